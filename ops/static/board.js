// The lead's board fetches its live part again every 15 seconds, unless somebody is in the middle of something there.
const live = document.getElementById("live");
const pause = document.getElementById("pause");
const stale = document.getElementById("stale");
const EVERY_MS = 15000;
let paused = false;

pause.hidden = false;
pause.addEventListener("click", () => {
  paused = !paused;
  pause.setAttribute("aria-pressed", String(paused));
  pause.textContent = paused ? "Go on updating" : "Stop updating";
});

function busy() {
  const here = document.activeElement;
  const reading = String(getSelection()) && live.contains(getSelection().anchorNode);
  const focused = live.contains(here) && here.matches("input, button, select, textarea, summary");
  return paused || document.hidden || focused || reading || live.querySelector("details[open]");
}

async function refresh() {
  if (busy()) return;
  try {
    const answer = await fetch(live.dataset.from, { headers: { Accept: "text/html" } });
    if (answer.redirected) return location.reload(); // signed out meanwhile: the whole page asks to sign in
    if (!answer.ok) throw new Error(answer.status);
    const fresh = await answer.text();
    if (busy()) return;
    const focus = live.contains(document.activeElement) ? document.activeElement.id : "";
    live.innerHTML = fresh;
    if (focus) document.getElementById(focus)?.focus();
    stale.hidden = true;
  } catch {
    stale.hidden = false;
  }
}

setInterval(refresh, EVERY_MS);
document.addEventListener("visibilitychange", refresh);
