/** Options of hubs that change what becomes of instances: every world makes its own choice of them, and every process of what is deployed with it. */
import type { RetentionOptions, TaskHubOptions } from "holdfast";
import type { OrchestrationStatus } from "../../../core/store/contract.ts";
import type { Program } from "../programs/program.ts";
import type { Random } from "../replay/random.ts";
import type { Choices } from "./choices.ts";

/** What all hubs of a world are opened with. */
export interface Settings {
  readonly retention: RetentionOptions;
  readonly onNonDeterminism: "fail" | "suspend";
  /** The programs, and as another deployment has them; one entry where code never changes. */
  readonly deployments: readonly [readonly Program[], ...(readonly Program[])[]];
  /** True where instances have versions, and hubs are for some of them. */
  readonly hasVersions: boolean;
}

/** What one process runs. */
export interface Deployment {
  readonly programs: readonly Program[];
  readonly versioning: NonNullable<TaskHubOptions["versioning"]>;
}

/** Versions that instances may have, `""` among them. */
export const VERSIONS = ["", "1", "2"] as const;

const RETENTION_MS = [0, 50, 50, 2_000, 600_000] as const;

export function settingsOf(choices: Choices, invented: readonly Program[]): Settings {
  const random = choices.about("settings");
  const hasVersions = random.chance(0.15);
  const programs = hasVersions ? invented.map((program) => withNextVersion(program, random)) : invented;
  return {
    retention: random.chance(0.35) ? retentionOf(random) : {},
    onNonDeterminism: random.chance(0.8) ? "suspend" : "fail",
    deployments: random.chance(0.2) ? [programs, changed(programs, random)] : [programs],
    hasVersions,
  };
}

function withNextVersion(program: Program, random: Random): Program {
  return random.chance(0.5) ? { ...program, nextVersion: random.pick(VERSIONS) } : program;
}

function retentionOf(random: Random): RetentionOptions {
  const some = (name: keyof RetentionOptions): RetentionOptions =>
    random.chance(0.7) ? { [name]: random.pick(RETENTION_MS) } : {};
  return { ...some("completedMs"), ...some("failedMs"), ...some("terminatedMs") };
}

/** How long what has ended like this is kept, in ms; `undefined`: for ever. */
export function keptMs(status: OrchestrationStatus, retention: RetentionOptions): number | undefined {
  if (status === "Completed") return retention.completedMs;
  return status === "Failed" ? retention.failedMs : retention.terminatedMs;
}

/** The programs with one step more in one of them: a call that nothing else makes, so that histories of the two part there and nowhere else. */
function changed(programs: readonly Program[], random: Random): readonly Program[] {
  const which = random.integer(0, programs.length - 1);
  return programs.map((program, index) => {
    if (index !== which) return program;
    const step = { do: "await", call: { kind: "activity", name: "added" } } as const;
    return { ...program, body: program.body.toSpliced(random.integer(0, program.body.length), 0, step) };
  });
}

/** What a process that starts now is for. */
export function versioningOf(random: Random): Deployment["versioning"] {
  return {
    version: random.pick(VERSIONS),
    match: random.pick(["none", "strict", "currentOrOlder"] as const),
    onMismatch: random.chance(0.8) ? "reject" : "fail",
  };
}

/** Whether a hub is for instances of a version. */
export function isFor(version: string, { version: own = "", match }: Deployment["versioning"]): boolean {
  if (match === "strict") return version === own;
  return match !== "currentOrOlder" || Number(version) <= Number(own);
}
