/** Where a hub writes what a person who runs it should know. Any console-like object fits. */
export interface Logger {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

const ignore = (): void => {};
/** Drops everything. */
export const silentLogger: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };

/** Passes on and swallows what goes wrong on the way: who writes a log does not depend on who keeps it. */
export function harmlessLogger(logger: Logger): Logger {
  const harmless =
    (level: keyof Logger) =>
    (message: string, fields?: Record<string, unknown>): void => {
      try {
        const answer: unknown = logger[level](message, fields);
        if (answer instanceof Promise) answer.catch(ignore);
      } catch {}
    };
  return { debug: harmless("debug"), info: harmless("info"), warn: harmless("warn"), error: harmless("error") };
}

/** Passes on only while `isQuiet` answers false: how an orchestrator's log stays silent during replay. */
export function gatedLogger(logger: Logger, isQuiet: () => boolean): Logger {
  const gate =
    (level: keyof Logger) =>
    (message: string, fields?: Record<string, unknown>): void => {
      if (!isQuiet()) logger[level](message, fields);
    };
  return { debug: gate("debug"), info: gate("info"), warn: gate("warn"), error: gate("error") };
}
