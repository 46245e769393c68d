/** Every bound of the tabs in one place, with its unit and its reason. */

/** How often a tab looks around, in ms. Hidden tabs get to it once a second, after a while once a minute. */
export const LOOK_INTERVAL_MS = 500;
/** Silence of the leader after which a follower asks whether it is there, in ms. Answers need no timer, so a throttled leader gives them at once. */
export const SILENCE_MS = 1_500;
/** How long a follower waits for the answer before it takes the lead, in ms. Together with the silence less than five seconds, in hidden tabs too. */
export const PATIENCE_MS = 1_500;
/** Followers differ in their patience by up to this, in ms, so that they do not all take the lead at once. */
export const PATIENCE_SPREAD_MS = 400;
/** Looks between the question and taking the lead, at least: after a sleep the leader gets as much of a chance as the follower. */
export const PATIENCE_LOOKS = 2;
/** How long a tab that could not open the hub leaves it to others, in ms. */
export const REOPEN_DELAY_MS = 1_000;
/** First delay before a request without an answer is sent to the same leader again, and the longest, in ms; it doubles each time. */
export const RESEND_DELAY_MS = 2_000;
export const RESEND_DELAY_MAX_MS = 30_000;
/** Changes of one tab on their way at once, counted from the oldest without an answer; the others wait in the tab. Bounds a tab's row of receipts. */
export const CHANGES_UNDER_WAY_MAX = 1_000;
/** States of a watch sent at once, and kept for it until they are asked for. */
export const WATCH_BATCH_MAX = 100;
/** A look that is later than this, in ms, tells that timers are: the tab is throttled, has slept, or its clock was changed. */
export const LATE_LOOK_MS = 250;
/** Times in a row that a tab fails to open the hub, with nobody else succeeding, before its calls under way are told. */
export const OPENINGS_MAX = 3;
/** Tabs that are gone whose place a leader remembers, so that nothing of theirs that comes late is taken for new. */
export const LEFT_TABS_MAX = 10_000;
/** Instances of which a watch remembers the last state it gave, those seen last. Of others it may give one again when the lead changes hands. */
export const WATCH_SEEN_MAX = 10_000;
