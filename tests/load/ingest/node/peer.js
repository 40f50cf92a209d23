// What one would write first, and well, in Node: Fastify, its JSON Schemas (ajv), and the plain producer of
// @platformatic/kafka with acks=all. It takes the same requests as Mainstay, checks the same rules of the fields, writes
// the same records (key, value, headers) to the same topic, and answers after the broker has acknowledged all of them.
// It leaves out what Mainstay does beyond: clock correction, quarantine, keys in a database, several protocols.

import { randomBytes } from 'node:crypto'
import { compatibilityPartitioner, ProduceAcks, Producer } from '@platformatic/kafka'
import Fastify from 'fastify'

const [port, servers, key] = process.argv.slice(2)
const TOPIC = 'usage-events'
const EARLIEST = Date.UTC(2000, 0, 1)
const FURTHEST_AHEAD = 23 * 3_600_000

const id = { type: 'string', minLength: 1, maxLength: 200, pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f]*$' }
const orNull = (schema) => ({ ...schema, type: [schema.type, 'null'] })
const instant = { type: ['string', 'null'], format: 'date-time' }
const call = {
  type: 'object',
  required: ['messageId', 'event', 'context'],
  anyOf: [
    { required: ['userId'], properties: { userId: { type: 'string' } } },
    { required: ['anonymousId'], properties: { anonymousId: { type: 'string' } } },
  ],
  properties: {
    type: { const: 'track' },
    messageId: { ...id, maxLength: 99 },
    userId: orNull(id),
    anonymousId: orNull(id),
    event: { ...id, maxLength: 500 },
    timestamp: instant,
    sentAt: instant,
    context: { type: 'object', required: ['groupId'], properties: { groupId: id } },
    properties: { type: ['object', 'null'] },
  },
}
const batch = {
  type: 'object',
  required: ['batch'],
  properties: { batch: { type: 'array', maxItems: 2_500, items: call }, sentAt: instant },
}
const success = { 200: { type: 'object', properties: { success: { type: 'boolean' } } } }

const producer = new Producer({
  clientId: 'peer',
  bootstrapBrokers: servers.split(','),
  acks: ProduceAcks.ALL,
  autocreateTopics: false,
  partitioner: compatibilityPartitioner, // as Java's clients and Mainstay divide keys
})

const app = Fastify({
  logger: false,
  bodyLimit: 512_000,
  ajv: { customOptions: { coerceTypes: false, removeAdditional: false, allErrors: false, allowUnionTypes: true } },
})

app.addHook('onRequest', async (request, reply) => {
  if (request.headers.authorization !== `Bearer ${key}`) {
    return reply.code(401).send({ code: 'unauthorized' })
  }
})
app.post('/v1/track', { schema: { body: call, response: success } }, async (request) => append([request.body]))
app.post('/v1/batch', { schema: { body: batch, response: success } }, async (request) => append(request.body.batch))

async function append(calls) {
  const now = Date.now()
  const shared = {
    now,
    receivedAt: new Date(now).toISOString(),
    trace: Buffer.from(`00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`),
  }
  await producer.send({ messages: calls.map((call) => record(call, shared)) })
  return { success: true }
}

const SPECVERSION = [Buffer.from('ce_specversion'), Buffer.from('1.0')]
const SOURCE = [Buffer.from('ce_source'), Buffer.from('bench')]
const TYPE = [Buffer.from('ce_type'), Buffer.from('mainstay.usage.recorded.v1')]
const CONTENT_TYPE = [Buffer.from('content-type'), Buffer.from('application/json')]
const [ID, SUBJECT, TIME, TRACE] = ['ce_id', 'ce_subject', 'ce_time', 'traceparent'].map((name) => Buffer.from(name))

function record(call, { now, receivedAt, trace }) {
  const occurredAt = happened(call.timestamp, now, receivedAt)
  const account = Buffer.from(call.context.groupId)
  const feature = call.properties?.feature
  const usage = {
    account_id: call.context.groupId,
    event: call.event,
    feature: typeof feature === 'string' ? feature : call.event,
    occurred_at: occurredAt,
    received_at: receivedAt,
    user_id: call.userId ?? `anonymous:${call.anonymousId}`,
    properties: call.properties ?? {},
  }
  return {
    topic: TOPIC,
    key: account,
    value: Buffer.from(JSON.stringify(usage)),
    headers: new Map([
      SPECVERSION,
      [ID, Buffer.from(call.messageId)],
      SOURCE,
      TYPE,
      [SUBJECT, account],
      [TIME, Buffer.from(occurredAt)],
      CONTENT_TYPE,
      [TRACE, trace],
    ]),
  }
}

function happened(stated, now, receivedAt) {
  if (stated == null) return receivedAt
  const at = Date.parse(stated)
  if (!(at >= EARLIEST)) throw Object.assign(new Error('time out of range'), { statusCode: 400 })
  return at > now + FURTHEST_AHEAD ? receivedAt : new Date(at).toISOString()
}

process.on('SIGTERM', async () => {
  await app.close()
  await producer.close()
  process.exit(0)
})

await app.listen({ host: '127.0.0.1', port: Number(port) })
