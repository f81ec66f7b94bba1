// The desk: one card after the other without loading the page anew. Everything also works as plain forms.

import { openCard } from "./card.js";
import { prepareKeys } from "./keys.js";
import { swapForms } from "./swap.js";
import "../send.js"; // with the first page of the desk: cards that come later bring no scripts

let close = openCard();
prepareKeys();
swapForms(() => {
  close();
  close = openCard();
  prepareKeys();
});
