CREATE TABLE holdfast_meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE holdfast_hubs (name TEXT PRIMARY KEY, hub INTEGER NOT NULL, epoch INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE holdfast_instances (
      hub INTEGER NOT NULL, instanceId TEXT NOT NULL, status TEXT NOT NULL, name TEXT NOT NULL,
      createdAtMs INTEGER NOT NULL, completedAtMs INTEGER, isBusy INTEGER NOT NULL, updatedAtMs INTEGER NOT NULL,
      record TEXT, PRIMARY KEY (hub, instanceId)) WITHOUT ROWID;
CREATE INDEX holdfast_created ON holdfast_instances (hub, createdAtMs, instanceId);
CREATE INDEX holdfast_completed ON holdfast_instances (hub, completedAtMs, instanceId) WHERE completedAtMs IS NOT NULL;
CREATE INDEX holdfast_busy ON holdfast_instances (hub, instanceId) WHERE isBusy = 1;
CREATE TABLE holdfast_entities (
      hub INTEGER NOT NULL, instanceId TEXT NOT NULL, lastModifiedAtMs INTEGER NOT NULL, hasState INTEGER NOT NULL,
      updatedAtMs INTEGER NOT NULL, entity TEXT, PRIMARY KEY (hub, instanceId)) WITHOUT ROWID;
CREATE TABLE holdfast_history (
      hub INTEGER NOT NULL, instanceId TEXT NOT NULL, turn INTEGER NOT NULL, atMs INTEGER NOT NULL,
      eventCount INTEGER NOT NULL, timers TEXT, events TEXT, PRIMARY KEY (hub, instanceId, turn)) WITHOUT ROWID;
CREATE TABLE holdfast_timers (
      hub INTEGER NOT NULL, dueAtMs INTEGER NOT NULL, instanceId TEXT NOT NULL, kind TEXT NOT NULL,
      timerId INTEGER NOT NULL, isLoose INTEGER NOT NULL,
      PRIMARY KEY (hub, dueAtMs, instanceId, kind, timerId)) WITHOUT ROWID;
CREATE INDEX holdfast_loose_timers ON holdfast_timers (hub, instanceId) WHERE isLoose = 1;
CREATE TABLE holdfast_inbox (
      hub INTEGER NOT NULL, instanceId TEXT NOT NULL, sequence INTEGER NOT NULL, atMs INTEGER NOT NULL, message TEXT,
      PRIMARY KEY (hub, instanceId, sequence)) WITHOUT ROWID;
CREATE TABLE holdfast_chunks (
      hub INTEGER NOT NULL, instanceId TEXT NOT NULL, kind TEXT NOT NULL, number INTEGER NOT NULL, chunk INTEGER NOT NULL,
      text TEXT NOT NULL, PRIMARY KEY (hub, instanceId, kind, number, chunk)) WITHOUT ROWID;
INSERT INTO holdfast_meta VALUES ('schemaVersion', 1);
INSERT INTO holdfast_hubs VALUES ('billing', 2, 1);
INSERT INTO holdfast_hubs VALUES ('orders', 1, 1);
INSERT INTO holdfast_instances VALUES (1, 'a', 'Completed', 'order', 1767225600000, 1767225600007, 0, 1767225600007, '{"instanceId":"a","executionId":"a-1","name":"order","version":"","status":"Completed","createdAtMs":1767225600000,"tags":{"team":"a"},"isBusy":false,"completedAtMs":1767225600007,"output":"\"done\""}');
INSERT INTO holdfast_instances VALUES (1, 'b', 'Running', 'order', 1767225600000, NULL, 0, 1767225600005, '{"input":"{\"n\":1}","instanceId":"b","executionId":"b-1","name":"order","version":"","status":"Running","createdAtMs":1767225600000,"tags":{"team":"a"},"isBusy":false}');
INSERT INTO holdfast_instances VALUES (1, 'later', 'Pending', 'order', 1767225600000, NULL, 0, 1767225600008, '{"instanceId":"later","executionId":"later-1","name":"order","version":"","status":"Pending","createdAtMs":1767225600000,"tags":{"team":"a"},"isBusy":false,"scheduledStartAtMs":1767225690000}');
INSERT INTO holdfast_instances VALUES (2, 'b', 'Running', 'invoice', 1767225600000, NULL, 0, 1767225600001, '{"instanceId":"b","executionId":"b-1","name":"invoice","version":"","status":"Running","createdAtMs":1767225600000,"tags":{"team":"a"},"isBusy":false}');
INSERT INTO holdfast_entities VALUES (1, '@counter@k', 1767225600009, 1, 1767225600009, '{"state":"3","instanceId":"@counter@k","lastModifiedAtMs":1767225600009}');
INSERT INTO holdfast_history VALUES (1, 'a', 0, 1767225600007, 3, NULL, '[{"type":"OrchestratorStarted","eventId":-1,"timestamp":"2026-01-01T00:00:00.000Z"},{"timestamp":"2026-01-01T00:00:00.000Z","eventId":0,"type":"ExecutionStarted","name":"order","input":"{\"n\":1}","orchestrationInstance":{"instanceId":"a","executionId":"a-1"}},{"timestamp":"2026-01-01T00:00:00.000Z","eventId":1,"type":"TaskScheduled","name":"charge","input":"1"}]');
INSERT INTO holdfast_history VALUES (1, 'a', 1, 1767225600007, 5, NULL, '[{"type":"OrchestratorStarted","eventId":-1,"timestamp":"2026-01-01T00:00:00.007Z"},{"timestamp":"2026-01-01T00:00:00.007Z","eventId":2,"type":"ExecutionCompleted","orchestrationStatus":"ORCHESTRATION_STATUS_COMPLETED","result":"\"done\""}]');
INSERT INTO holdfast_history VALUES (1, 'b', 0, 1767225600000, 3, NULL, '[{"type":"OrchestratorStarted","eventId":-1,"timestamp":"2026-01-01T00:00:00.000Z"},{"timestamp":"2026-01-01T00:00:00.000Z","eventId":0,"type":"ExecutionStarted","name":"order","input":"{\"n\":1}","orchestrationInstance":{"instanceId":"b","executionId":"b-1"}},{"timestamp":"2026-01-01T00:00:00.000Z","eventId":1,"type":"TaskScheduled","name":"charge","input":"1"}]');
INSERT INTO holdfast_history VALUES (1, 'b', 1, 1767225600005, 6, '[[1767225660000,"timer",2]]', '[{"type":"OrchestratorStarted","eventId":-1,"timestamp":"2026-01-01T00:00:00.005Z"},{"timestamp":"2026-01-01T00:00:00.005Z","eventId":-1,"type":"TaskCompleted","taskScheduledId":1,"result":"\"ok\""},{"timestamp":"2026-01-01T00:00:00.005Z","eventId":2,"type":"TimerCreated","fireAt":"2026-01-01T00:01:00.000Z"}]');
INSERT INTO holdfast_history VALUES (2, 'b', 0, 1767225600001, 3, NULL, NULL);
INSERT INTO holdfast_history VALUES (2, 'b', 1, 1767225600001, 4, NULL, '[{"type":"OrchestratorStarted","eventId":-1,"timestamp":"2026-01-01T00:00:00.001Z"}]');
INSERT INTO holdfast_history VALUES (2, 'b', 2, 1767225600001, 5, NULL, '[{"type":"OrchestratorStarted","eventId":-1,"timestamp":"2026-01-01T00:00:00.002Z"}]');
INSERT INTO holdfast_timers VALUES (1, 1767225660000, 'b', 'timer', 2, 0);
INSERT INTO holdfast_timers VALUES (1, 1767225690000, 'later', 'start', 0, 1);
INSERT INTO holdfast_inbox VALUES (1, 'later', 1, 1767225600008, '{"sequence":1,"event":{"timestamp":"2026-01-01T00:00:00.008Z","eventId":-1,"type":"EventRaised","name":"x","input":"1"}}');
INSERT INTO holdfast_chunks VALUES (2, 'b', 'turn', 0, 0, '[{"type":"OrchestratorStarted","eventId":-1,"timestamp":"2026-01-01T00:00:00.000Z"},{"timestamp":"20');
INSERT INTO holdfast_chunks VALUES (2, 'b', 'turn', 0, 1, '26-01-01T00:00:00.000Z","eventId":0,"type":"ExecutionStarted","name":"order","input":"{\"n\":1}","orchestrationInstance":{"instanceId":"b","executionId":"b-1"}},{"timestamp":"2026-01-01T00:00:00.000Z","eventId":1,"type":"TaskScheduled","name":"charge","input":"1"}]');
