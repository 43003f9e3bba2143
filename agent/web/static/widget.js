// <script src="https://ask.example.org/widget.js" data-library="fury" data-version="2.0.0" defer></script>
// A button on the page that opens the service's own page in a frame: nothing of either site reaches into the other.
{
  const script = document.currentScript;
  const home = new URL("./", script.src);
  const label = script.dataset.label ?? "Ask the docs";
  const STYLE = `
    :host { all: initial }
    button { position: fixed; right: 1.25rem; bottom: 1.25rem; z-index: 2147483000; padding: .7rem 1.15rem; border: 0;
      border-radius: 99px; background: #9a4421; color: #fff; font: 600 15px/1.2 system-ui, sans-serif; cursor: pointer;
      box-shadow: 0 4px 18px rgb(0 0 0 / .22) }
    button:hover { background: #7f3618 }
    button:focus-visible { outline: 3px solid #e59a72; outline-offset: 2px }
    iframe { position: fixed; right: 1.25rem; bottom: 4.75rem; z-index: 2147483000; width: min(30rem, calc(100vw - 2.5rem));
      height: min(44rem, calc(100dvh - 6rem)); border: 1px solid rgb(128 128 128 / .35); border-radius: 14px;
      box-shadow: 0 18px 60px rgb(0 0 0 / .28); background: Canvas; color-scheme: normal }
    @media (max-width: 34rem) {
      iframe { inset: 0 0 4.25rem 0; width: 100%; height: calc(100dvh - 4.25rem); border: 0; border-radius: 0 }
      button { bottom: .75rem; right: .75rem }
    }
    [hidden] { display: none }`;

  const host = document.createElement("div");
  const shadow = host.attachShadow({ mode: "closed" });
  const sheet = new CSSStyleSheet(); // not a style element, which the site's own policy might forbid
  sheet.replaceSync(STYLE);
  shadow.adoptedStyleSheets = [sheet];

  const button = document.createElement("button");
  button.type = "button";
  button.textContent = label;
  button.setAttribute("aria-expanded", "false");
  shadow.append(button);

  let frame = null; // made at the first use: a reader who never asks loads nothing
  const address = () => {
    const url = new URL(home);
    for (const name of ["library", "version"]) if (script.dataset[name]) url.searchParams.set(name, script.dataset[name]);
    const theme = document.documentElement.dataset.theme; // as Sphinx's themes say it
    if (theme === "light" || theme === "dark") url.searchParams.set("theme", theme);
    return url.href;
  };
  const show = (open) => {
    if (open && !frame) {
      frame = document.createElement("iframe");
      frame.title = label;
      frame.allow = "clipboard-write";
      frame.src = address();
      shadow.append(frame);
    }
    frame.hidden = !open;
    button.textContent = open ? "Close" : label;
    button.setAttribute("aria-expanded", String(open));
    (open ? frame : button).focus();
  };

  button.addEventListener("click", () => show(!frame || frame.hidden));
  addEventListener("message", (event) => {
    const ours = frame && event.source === frame.contentWindow && event.origin === home.origin;
    if (ours && event.data === "fury-agent:close") show(false);
  });
  document.body.append(host);
}
