/** The functions of a hub, found by kind, name and version. Exact version first, then the one without a version. */
import type { ActivityDefinition, FunctionDefinition, OrchestratorDefinition } from "../definition/definitions.ts";
import type { EntityDefinition } from "../definition/entity.ts";
import { InvalidArgumentError } from "../errors.ts";
import { OWN_PREFIX } from "../identity.ts";

type Versions<T> = Map<string, T>;

export class Registry {
  readonly #orchestrators = new Map<string, Versions<OrchestratorDefinition>>();
  readonly #activities = new Map<string, Versions<ActivityDefinition>>();
  readonly #entities = new Map<string, EntityDefinition>();

  /** @throws InvalidArgumentError for something that is no definition, or two of one kind, name and version. */
  constructor(functions: readonly FunctionDefinition[], builtIn: readonly FunctionDefinition[] = []) {
    if (!Array.isArray(functions))
      throw new InvalidArgumentError(
        "`functions` must be an array of what defineOrchestrator, defineActivity and defineEntity return.",
      );
    for (const definition of builtIn) this.#add(definition);
    for (const definition of functions as readonly FunctionDefinition[]) {
      if (definition?.name?.startsWith(OWN_PREFIX))
        throw new InvalidArgumentError(
          `The name '${definition.name}' starts with '${OWN_PREFIX}', which is kept for the hub's own functions. Choose another name.`,
        );
      this.#add(definition);
    }
  }

  orchestrator(name: string, version: string): OrchestratorDefinition | undefined {
    return find(this.#orchestrators, name, version);
  }
  activity(name: string, version: string): ActivityDefinition | undefined {
    return find(this.#activities, name, version);
  }
  entity(name: string): EntityDefinition | undefined {
    return this.#entities.get(name.toLowerCase());
  }
  /** Puts a definition in the place of those of its name, in every version. */
  replaceActivity(definition: ActivityDefinition): void {
    this.#activities.set(definition.name, new Map([["", definition]]));
  }
  /** The version an orchestration of that name gets when none is asked for: that of its only or unversioned definition. */
  defaultVersion(name: string): string {
    const versions = this.#orchestrators.get(name);
    if (!versions || versions.has("")) return "";
    return versions.size === 1 ? ([...versions.keys()][0] ?? "") : "";
  }

  #add(definition: FunctionDefinition): void {
    switch (definition?.kind) {
      case "orchestrator":
        addTo(this.#orchestrators, definition);
        break;
      case "activity":
        addTo(this.#activities, definition);
        break;
      case "entity":
        if (this.#entities.has(definition.name)) throw twice("entity", definition.name, "");
        this.#entities.set(definition.name, definition);
        break;
      default:
        throw new InvalidArgumentError(
          "`functions` holds something that is not a definition. Wrap functions with defineOrchestrator, defineActivity or defineEntity.",
        );
    }
  }
}

function addTo<T extends { readonly kind: string; readonly name: string; readonly version: string }>(
  all: Map<string, Versions<T>>,
  definition: T,
): void {
  const versions = all.get(definition.name) ?? new Map<string, T>();
  all.set(definition.name, versions);
  if (versions.has(definition.version)) throw twice(definition.kind, definition.name, definition.version);
  versions.set(definition.version, definition);
}

function find<T>(all: Map<string, Versions<T>>, name: string, version: string): T | undefined {
  const versions = all.get(name);
  return versions?.get(version) ?? versions?.get("");
}

function twice(kind: string, name: string, version: string): InvalidArgumentError {
  const which = version === "" ? "" : ` in version '${version}'`;
  return new InvalidArgumentError(
    `Two definitions of the ${kind} '${name}'${which} were given. Remove one, rename it, or give it a version of its own.`,
  );
}
