// Before the first paint: the theme that was chosen here before, if one was.
try {
  const theme = localStorage.getItem("meanfield-theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
} catch {
  // storage is forbidden: the system's theme it is
}
