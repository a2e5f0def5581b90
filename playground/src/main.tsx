// The playground: the library in a worker, its pictures and its controls on a page.

import { render } from "preact";
import { beginLinks } from "./state/links";
import { start } from "./state/store";
import "./style.css";
import { App } from "./ui/App";
import { listenToKeys } from "./ui/keys";

start(beginLinks());
listenToKeys();
render(<App />, document.querySelector("#page")!);
