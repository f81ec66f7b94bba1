// The desk: one card after the other without loading the page anew. Everything also works as plain forms.

import { openCard } from "./card.js";
import { prepareKeys } from "./keys.js";
import { swapForms } from "./swap.js";

let close = openCard();
prepareKeys();
swapForms(() => {
  close();
  close = openCard();
  prepareKeys();
});
