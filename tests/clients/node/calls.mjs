// Makes every call of the official client once.
import { Analytics } from '@segment/analytics-node'

const [host, writeKey] = process.argv.slice(2)
const analytics = new Analytics({ host, writeKey, flushAt: 100 })
analytics.on('error', (error) => {
  console.error(error)
  process.exitCode = 1
})

const timestamp = new Date('2026-01-05T08:00:00Z')
const context = { groupId: '42' }
const userId = 'ann'
const person = { firstName: 'Ann', lastName: 'Lee', email: 'ann@acme.example', title: 'Buyer', age: 40 }
analytics.identify({ userId, traits: person, context, timestamp })
const traits = { name: 'Acme', plan: 'gold', industry: null, employees: 12 }
analytics.group({ userId, groupId: '42', traits, timestamp })
analytics.page({ userId, category: 'Docs', name: 'Pricing', properties: { url: '/pricing' }, context, timestamp })
analytics.screen({ userId, name: 'Home', context, timestamp })
analytics.alias({ userId, previousId: 'visitor-1', timestamp })
analytics.track({ userId, event: 'Exported', properties: { feature: 'reports' }, timestamp })
analytics.track({ anonymousId: 'visitor-1', event: 'Looked Around', timestamp })
await analytics.closeAndFlush({ timeout: 20_000 })
