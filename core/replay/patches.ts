/** How a note in the history begins that says: this instance has taken the patch of that id. */
export const PATCH_NOTE = "patched:";
