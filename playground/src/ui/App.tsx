// The page: what is run (a sentence), the clock, the pictures, the numbers.

import { useEffect } from "preact/hooks";
import { spoken } from "../state/notices";
import { Drop } from "./Drop";
import { Files } from "./Files";
import { Header } from "./Header";
import { Notices } from "./Notices";
import { Numbers } from "./Numbers";
import { Pictures } from "./Pictures";
import { Setting } from "./Setting";
import { TourPanel } from "./TourPanel";
import { Transport } from "./Transport";

/** The whole page. */
export function App() {
  useEffect(() => document.documentElement.classList.add("ready"), []);
  return (
    <>
      <Header />
      <main>
        <TourPanel />
        <Setting />
        <Notices />
        <Transport />
        <div class="bench">
          <Pictures />
          <div class="side">
            <Numbers />
            <Files />
          </div>
        </div>
      </main>
      <footer>
        <p>
          Everything runs in this page, in WebAssembly; nothing is sent anywhere. Time is <i>t</i> = <i>kε</i> after{" "}
          <i>k</i> steps, <i>f</i> is the mean over neurons, <i>R</i> = E|<i>y</i> − <i>f</i>|² is the risk, <i>r</i> =
          |<i>w</i>| the length of a neuron’s weights; the digits after “bits” are a hash of all of them.
        </p>
      </footer>
      <Drop />
      <div class="unseen" aria-live="polite">
        {spoken}
      </div>
    </>
  );
}
