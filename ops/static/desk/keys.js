// One key presses the button that shows it; never while typing, never with a modifier, not at all when switched off.
// The sheet and the palette are made from what is on the page, so they cannot say anything untrue.

const DOUBLE_MS = 400; // the second half of a double press, when the next card is there already: it was not meant for it

let listening = false;
let last = { key: "", at: 0, page: null };
let clicked = null;

export function prepareKeys() {
  for (const button of document.querySelectorAll("[data-action=help], [data-action=palette]")) button.hidden = false;
  document.querySelector("[data-action=help]")?.addEventListener("click", openSheet);
  document.querySelector("[data-action=palette]")?.addEventListener("click", openPalette);
  preparePalette();
  if (listening) return;
  listening = true;
  document.addEventListener("keydown", onKey);
  document.addEventListener("click", onClick, true);
}

const pageNow = () => document.getElementById("card-title");

function isSecondHalf(event) {
  const key = event.key.toLowerCase();
  const same = key === last.key && event.timeStamp - last.at < DOUBLE_MS;
  const moved = last.page !== pageNow();
  last = { key, at: event.timeStamp, page: pageNow() };
  return same && moved;
}

function onClick(event) {
  if (event.detail > 1 && clicked !== pageNow()) {
    event.preventDefault();
    event.stopPropagation();
  } else {
    clicked = pageNow();
  }
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing) return;
  if (document.querySelector("dialog[open]")) return;
  if (isTyping(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (document.querySelector("[data-single-keys=off]")) return;
  const target = withKey(event.key.toLowerCase());
  if (!target) return;
  event.preventDefault();
  if (!isSecondHalf(event)) press(target);
}

function isTyping(element) {
  return element.closest("input:not([type=checkbox], [type=radio], [type=hidden]), textarea, select, [contenteditable]");
}

function withKey(key) {
  const found = [...document.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)];
  return found.find((each) => !each.disabled && !each.hidden && !each.closest("[hidden]"));
}

export function press(target) {
  const box = target.closest("details");
  if (box && target.tagName !== "SUMMARY") box.open = true;
  if (target.matches("textarea, select, input:not([type=checkbox])")) {
    target.focus();
  } else if (target.matches("summary")) {
    openBox(target.parentElement);
  } else {
    target.click();
  }
}

// An answer of the script opens and is ticked; a box of fields opens at its first field.
function openBox(box) {
  const tick = box.querySelector("input[name=answers]");
  box.open = tick ? !box.open : true;
  box.scrollIntoView({ block: "nearest" });
  if (!tick) box.querySelector("input")?.focus();
}

function actions() {
  const found = [...document.querySelectorAll("[data-key]")].filter(
    (each) => !each.disabled && !each.hidden && !each.closest("[hidden], dialog"),
  );
  return found.map((each) => ({ element: each, key: each.dataset.key, words: wordsOf(each) }));
}

function wordsOf(element) {
  const label = element.labels?.[0] ?? element;
  const copy = label.cloneNode(true);
  for (const extra of copy.querySelectorAll("kbd, [aria-hidden], input, textarea")) extra.remove();
  return copy.textContent.replace(/\s+/g, " ").trim();
}

function openSheet() {
  const sheet = document.getElementById("sheet");
  const rows = actions().flatMap(({ key, words }) => {
    const [name, what] = [document.createElement("dt"), document.createElement("dd")];
    const printed = document.createElement("kbd");
    printed.textContent = key.toUpperCase();
    name.append(printed);
    what.textContent = words;
    return [name, what];
  });
  document.getElementById("sheet-keys").replaceChildren(...rows);
  sheet.showModal();
  sheet.scrollTop = 0;
}

let shown = [];
let chosen = 0;

const offered = () => actions().filter(({ element }) => element.dataset.action !== "palette");

function openPalette() {
  const query = document.getElementById("palette-query");
  query.value = "";
  shown = [];
  fill(offered());
  document.getElementById("palette").showModal();
  query.focus();
}

function preparePalette() {
  const query = document.getElementById("palette-query");
  if (!query || query.dataset.ready) return;
  query.dataset.ready = "yes";
  let all = [];
  query.addEventListener("focus", () => (all = offered()));
  query.addEventListener("input", () => {
    const typed = query.value.trim().toLowerCase();
    const found = all.filter(({ words }) => typed.split(/\s+/).every((part) => words.toLowerCase().includes(part)));
    const begins = ({ words }) => words.toLowerCase().startsWith(typed);
    fill([...found.filter(begins), ...found.filter((each) => !begins(each))]);
  });
  query.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      choose(chosen + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter") {
      event.preventDefault();
      take(shown[chosen]);
    }
  });
}

function fill(found) {
  shown = found;
  const list = document.getElementById("palette-list");
  list.replaceChildren(
    ...found.map((action, number) => {
      const item = document.createElement("li");
      const key = document.createElement("kbd");
      item.id = `action-${number}`;
      item.role = "option";
      key.textContent = action.key.toUpperCase();
      item.append(action.words, key);
      item.addEventListener("click", () => take(action));
      return item;
    }),
  );
  choose(0);
}

function choose(number) {
  if (!shown.length) return;
  chosen = (number + shown.length) % shown.length;
  const items = [...document.getElementById("palette-list").children];
  items.forEach((item, place) => item.setAttribute("aria-selected", String(place === chosen)));
  items[chosen].scrollIntoView({ block: "nearest" });
  document.getElementById("palette-query").setAttribute("aria-activedescendant", items[chosen].id);
}

function take(action) {
  if (!action) return;
  document.getElementById("palette").close();
  press(action.element);
}
