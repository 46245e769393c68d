/** Where the package is, once it has been built, packed and unpacked: as an application would have it installed. */
import { fileURLToPath } from "node:url";

/** An application's folder; what it has not installed itself it finds in the project's own dependencies. */
export const APPLICATION: string = fileURLToPath(new URL("../../.holdfast/packed", import.meta.url));
export const INSTALLED: string = `${APPLICATION}/node_modules/holdfast`;
