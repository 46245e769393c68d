/** Which versions of instances a hub runs. Source: Durable Task worker versioning. */
import { VersionMismatchError } from "../errors.ts";
import { compareVersions } from "../replay/versions.ts";

/** Which instances a hub runs, by version. */
export interface VersioningOptions {
  /** The hub's own version; `""` unless given. */
  readonly version?: string;
  /** `none` (unless given): all; `strict`: those of the hub's version; `currentOrOlder`: those not newer than it. */
  readonly match?: "none" | "strict" | "currentOrOlder";
  /** `reject` (unless given): leave the instance for a hub that fits; `fail`: fail it. */
  readonly onMismatch?: "reject" | "fail";
}

/** Why a hub does not run an instance of a version; `undefined` when it does. */
export function versionMismatch(version: string, versioning: VersioningOptions): VersionMismatchError | undefined {
  const { version: own = "", match = "none" } = versioning;
  if (match === "none") return undefined;
  const order = compareVersions(version, own);
  const isFit = match === "strict" ? order === 0 : order <= 0;
  return isFit ? undefined : new VersionMismatchError(version, own, match);
}
