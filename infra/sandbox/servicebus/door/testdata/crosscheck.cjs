// Microsoft's JavaScript client against the stand-in: it is stricter about AMQP than the Go client.
// Usage: node crosscheck.cjs <node_modules> <connection string>
// Prints one line a check: "ok <name>" or "not ok <name>: <why>". Queues q, s (sessions), topic t with subscription one.
"use strict";
const path = require("node:path");
const assert = require("node:assert/strict");
const [modules, connectionString] = process.argv.slice(2);
const { ServiceBusClient } = require(path.join(modules, "@azure/service-bus"));

const client = new ServiceBusClient(connectionString, { retryOptions: { maxRetries: 1, retryDelayInMs: 20, timeoutInMs: 5000 } });
const options = { maxWaitTimeInMs: 3000 };
const bodies = (messages) => messages.map((m) => m.body);

async function send(entity, ...messages) {
  const sender = client.createSender(entity);
  for (const m of messages) await sender.sendMessages(m);
  await sender.close();
}

async function take(receiver, n) {
  const out = [];
  while (out.length < n) {
    const got = await receiver.receiveMessages(n - out.length, options);
    if (got.length === 0) throw new Error(`only ${out.length} of ${n} messages came`);
    out.push(...got);
  }
  return out;
}

async function drained(receiver) {
  assert.deepEqual(await receiver.receiveMessages(1, { maxWaitTimeInMs: 50 }), []);
}

const checks = {
  async "fields and property types"() {
    const when = new Date(1234567890123);
    await send("q", {
      body: Buffer.from([0, 1, 255]), messageId: "id", contentType: "text/plain", correlationId: "corr", subject: "subject", to: "to",
      replyTo: "reply", replyToSessionId: "rs", sessionId: "sess", timeToLive: 3600_000,
      applicationProperties: { s: "ü", i: 7, f: 1.5, b: true, d: when, n: null },
    });
    const receiver = client.createReceiver("q");
    const [m] = await take(receiver, 1);
    assert.deepEqual([...m.body], [0, 1, 255]);
    assert.deepEqual([m.messageId, m.contentType, m.correlationId, m.subject, m.to, m.replyTo, m.replyToSessionId, m.sessionId],
      ["id", "text/plain", "corr", "subject", "to", "reply", "rs", "sess"]);
    assert.equal(m.timeToLive, 3600_000);
    // This client shows timestamps as numbers.
    assert.deepEqual(m.applicationProperties, { s: "ü", i: 7, f: 1.5, b: true, d: when.getTime(), n: null });
    assert.equal(m.state, "active");
    assert.ok(m.lockedUntilUtc > new Date() && m.enqueuedTimeUtc <= new Date() && m.expiresAtUtc > new Date(Date.now() + 3500_000));
    await receiver.completeMessage(m);
    await drained(receiver);
    await receiver.close();
  },

  async "JSON body and batch"() {
    const sender = client.createSender("q");
    const batch = await sender.createMessageBatch();
    for (let i = 0; i < 20; i++) assert.ok(batch.tryAddMessage({ body: { i } }));
    await sender.sendMessages(batch);
    await sender.sendMessages([{ body: "array" }, { body: "of two" }]);
    const receiver = client.createReceiver("q", { receiveMode: "receiveAndDelete" });
    const got = bodies(await take(receiver, 22));
    assert.deepEqual(got[19], { i: 19 });
    assert.deepEqual(got.slice(20), ["array", "of two"]);
    await receiver.close();
    await sender.close();
  },

  async "message of many frames"() {
    const large = "x".repeat(200 * 1024);
    await send("q", { body: large });
    const receiver = client.createReceiver("q");
    const [m] = await take(receiver, 1);
    assert.equal(m.body, large);
    await receiver.completeMessage(m);
    await receiver.close();
  },

  async "abandon, dead letter, delivery count"() {
    await send("q", { body: "bad" });
    const receiver = client.createReceiver("q");
    let [m] = await take(receiver, 1);
    await receiver.abandonMessage(m, { why: "busy" });
    [m] = await take(receiver, 1);
    assert.equal(m.deliveryCount, 1);
    assert.equal(m.applicationProperties.why, "busy");
    await receiver.deadLetterMessage(m, { deadLetterReason: "reason", deadLetterErrorDescription: "description" });
    const dead = client.createReceiver("q", { subQueueType: "deadLetter" });
    const [d] = await take(dead, 1);
    assert.deepEqual([d.deadLetterReason, d.deadLetterErrorDescription, d.deadLetterSource], ["reason", "description", "q"]);
    await dead.completeMessage(d);
    await receiver.close();
    await dead.close();
  },

  async "peek and renew"() {
    await send("q", { body: "1" }, { body: "2" });
    const receiver = client.createReceiver("q");
    assert.deepEqual(bodies(await receiver.peekMessages(10)), ["1", "2"]);
    assert.deepEqual(bodies(await receiver.peekMessages(10)), []);
    for (const m of await take(receiver, 2)) {
      const before = m.lockedUntilUtc;
      assert.ok((await receiver.renewMessageLock(m)) >= before);
      await receiver.completeMessage(m);
    }
    await receiver.close();
  },

  async defer() {
    await send("q", { body: "later" });
    const receiver = client.createReceiver("q");
    const [m] = await take(receiver, 1);
    await receiver.deferMessage(m);
    const [peeked] = await receiver.peekMessages(1, { fromSequenceNumber: m.sequenceNumber });
    assert.equal(peeked.state, "deferred");
    const [d] = await receiver.receiveDeferredMessages(m.sequenceNumber);
    assert.equal(d.body, "later");
    await receiver.completeMessage(d);
    await receiver.close();
  },

  async "schedule and cancel"() {
    const sender = client.createSender("q");
    const at = new Date(Date.now() + 300);
    const seqs = await sender.scheduleMessages([{ body: "a" }, { body: "b" }], at);
    await sender.cancelScheduledMessages(seqs[0]);
    const receiver = client.createReceiver("q");
    const [m] = await take(receiver, 1);
    assert.equal(m.body, "b");
    assert.ok(new Date() >= at, "not before its time");
    await receiver.completeMessage(m);
    await receiver.close();
    await sender.close();
  },

  async "subscribe"() {
    const receiver = client.createReceiver("q");
    const got = [];
    const three = new Promise((resolve, reject) => {
      receiver.subscribe({
        processMessage: async (m) => { if (got.push(m.body) === 3) resolve(); },
        processError: async (e) => reject(e.error),
      });
    });
    await send("q", { body: "1" }, { body: "2" }, { body: "3" });
    await three;
    assert.deepEqual(got, ["1", "2", "3"]);
    await receiver.close();
  },

  async "sessions"() {
    await send("s", { body: "a1", sessionId: "a" }, { body: "b1", sessionId: "b" }, { body: "a2", sessionId: "a" });
    const receiver = await client.acceptSession("s", "a");
    assert.equal(receiver.sessionId, "a");
    assert.ok(receiver.sessionLockedUntilUtc > new Date());
    await assert.rejects(client.acceptSession("s", "a", { maxAutoLockRenewalDurationInMs: 0 }), (e) => e.code === "SessionCannotBeLocked");
    const got = await take(receiver, 2);
    assert.deepEqual(bodies(got), ["a1", "a2"]);
    await receiver.completeMessage(got[0]);
    await receiver.deferMessage(got[1]);
    const [d] = await receiver.receiveDeferredMessages(got[1].sequenceNumber);
    await receiver.completeMessage(d);
    await receiver.setSessionState({ step: 1 });
    assert.deepEqual(await receiver.getSessionState(), { step: 1 });
    assert.ok((await receiver.renewSessionLock()) > new Date());
    await receiver.close();
    const next = await client.acceptNextSession("s");
    assert.equal(next.sessionId, "b");
    assert.deepEqual(bodies(await next.peekMessages(5)), ["b1"]);
    await next.completeMessage((await take(next, 1))[0]);
    await next.close();
    const again = await client.acceptSession("s", "a");
    assert.deepEqual(await again.getSessionState(), { step: 1 });
    await again.setSessionState(null);
    await again.close();
  },

  async "no session in time"() {
    const hasty = new ServiceBusClient(connectionString, { retryOptions: { maxRetries: 0, timeoutInMs: 300 } });
    await assert.rejects(hasty.acceptNextSession("s"), (e) => ["ServiceTimeout", "OperationTimeout"].includes(e.code) || e.name === "OperationTimeoutError");
    await hasty.close();
  },

  async "topic"() {
    await send("t", { body: "event" });
    const receiver = client.createReceiver("t", "one");
    const [m] = await take(receiver, 1);
    assert.equal(m.body, "event");
    await receiver.completeMessage(m);
    await receiver.close();
  },

  async "unknown entity"() {
    await assert.rejects(send("none", { body: "x" }), (e) => e.code === "MessagingEntityNotFound");
  },
};

(async () => {
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check();
      console.log(`ok ${name}`);
    } catch (e) {
      console.log(`not ok ${name}: ${String(e && e.stack ? e.stack : e).replace(/\s*\n\s*/g, " | ")}`);
    }
  }
  await client.close();
  process.exit(0); // a failed check may have left receivers open
})();
