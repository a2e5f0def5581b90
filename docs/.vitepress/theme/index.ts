// VitePress's own theme without its web fonts, and what equations, tables and figures need.

import theme from "vitepress/theme-without-fonts";
import "./style.css";

export default theme;
