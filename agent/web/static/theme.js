// Runs before anything is painted, so that nothing flashes: the chosen theme, and whether another site frames the page.
{
  const root = document.documentElement;
  const asked = new URLSearchParams(location.search).get("theme");
  let chosen = null;
  try {
    chosen = localStorage.getItem("fury-agent.theme");
  } catch {
    // A browser that forbids storage follows the system.
  }
  const theme = [asked, chosen].find((name) => name === "light" || name === "dark");
  if (theme) root.dataset.theme = theme;
  if (window.self !== window.top) root.classList.add("framed");
}
