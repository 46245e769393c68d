/** The smallest orchestration that does something: greet cities, one after the other or all at once. */
import { defineActivity, defineOrchestrator, whenAll } from "holdfast";

/** Greets one city. */
export const sayHello = defineActivity("sayHello", (_ctx, city: string) => `Hello, ${city}!`);

/** Greets the cities one after the other; the greetings come in the order of the cities. */
export const helloCities = defineOrchestrator("helloCities", async (ctx, cities: string[]) => {
  const greetings: string[] = [];
  for (const city of cities) greetings.push(await ctx.callActivity(sayHello, city));
  return greetings;
});

/** The same answer from a generator, with all the greetings under way at once. */
export const helloCitiesGenerator = defineOrchestrator("helloCitiesGenerator", function* (ctx, cities: string[]) {
  const greetings = cities.map((city) => ctx.callActivity(sayHello, city));
  return yield* whenAll(greetings);
});
