/** The conformance suite as the author of another store has it. */
import { MemoryStore } from "holdfast";
import { storeConformance } from "holdfast/conformance";

storeConformance("A store of somebody else", (run) => run({ store: new MemoryStore() }), { isSynchronous: true });
