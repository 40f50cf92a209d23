// Sends the events of stdin, a JSON array, through the official client; prints the numbers that it says are delivered.
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { Analytics } from '@segment/analytics-node'

const [host, writeKey] = process.argv.slice(2)
const flushAt = 100
const analytics = new Analytics({ host, writeKey, flushAt, maxRetries: 100 })
const delivered = []
analytics.on('error', () => {}) // each call hears of its own failure

let made = 0
for (const { number, account, user, name, at } of JSON.parse(readFileSync(0, 'utf8'))) {
  analytics.track(
    { userId: user, event: name, timestamp: new Date(at), context: { groupId: account }, properties: { number } },
    (failure) => {
      if (!failure) delivered.push(number)
    },
  )
  made += 1
  if (made % flushAt === 0) await pause(20) // as a product does: all at once there would be no middle
}
await analytics.closeAndFlush({ timeout: 200_000 })
console.log(JSON.stringify(delivered))
