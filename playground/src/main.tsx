// The playground: the library in a worker, its pictures and its controls on a page.

import { render } from "preact";
import { beginLinks } from "./state/links";
import { start } from "./state/store";
// here and not beside the views: the package has no side effects, so a bundler drops style sheets of modules it passes through
import "uplot/dist/uPlot.min.css";
import "./views/views.css";
import "./style.css";
import { recordFrames } from "./state/frames";
import { App } from "./ui/App";
import { listenToKeys } from "./ui/keys";

start(beginLinks());
listenToKeys();
if (new URLSearchParams(location.search).has("frames")) recordFrames();
render(<App />, document.querySelector("#page")!);
