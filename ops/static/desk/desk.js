// The desk: one card after the other without loading the page anew. Everything also works as plain forms.

import { openCard } from "./card.js";
import { prepareKeys } from "./keys.js";
import { swapForms } from "./swap.js";
import { watchForWork } from "./waits.js";
import "../send.js"; // with the first page of the desk: cards that come later bring no scripts

const open = () => [openCard(), watchForWork()];

let close = open();
prepareKeys();
swapForms(() => {
  close.forEach((each) => each());
  close = open();
  prepareKeys();
});
