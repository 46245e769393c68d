/** How a page, or a worker of it, speaks to the test that watches it (see ../page-server.ts). */

/** Says something; resolves with the answer when it has been heard. */
export async function say(said: unknown): Promise<unknown> {
  const response = await fetch(`${location.origin}/say`, { method: "POST", body: JSON.stringify(said) });
  if (!response.ok) throw new Error(`The test refused ${JSON.stringify(said)}: ${await response.text()}`);
  return response.json();
}
