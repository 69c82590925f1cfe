// @cloud-copilot/iam-simulate on the cases of decision_cases.py, by its entry without input validation, the fastest.
//     node decision_peer.mjs SECONDS < cases.json
// Prints one JSON object: policy -> request -> verdict and decisions per CPU second.
import { readFileSync } from 'node:fs'
import { runUnsafeSimulation } from '@cloud-copilot/iam-simulate'

const seconds = Number(process.argv[2])
const cases = JSON.parse(readFileSync(0, 'utf8'))
const cpu = () => { const used = process.cpuUsage(); return (used.user + used.system) / 1e6 }
const verdicts = { Allowed: 'allowed', ExplicitlyDenied: 'explicitDeny', ImplicitlyDenied: 'implicitDeny' }

const found = {}
for (const [size, requests] of Object.entries(cases.requests)) {
  found[size] = {}
  const identityPolicies = [{ name: size, policy: cases.policies[size] }]
  for (const [title, asked] of Object.entries(requests)) {
    const decide = (number) => verdicts[runUnsafeSimulation({
      request: {
        principal: cases.principal,
        action: asked.action,
        resource: { resource: asked.resource.replace('0.csv', `${number}.csv`), accountId: cases.account },
        contextVariables: { ...asked.context, 'aws:CurrentTime': String(number) },
      },
      identityPolicies,
      serviceControlPolicies: [],
      resourceControlPolicies: [],
    }, {})]
    const verdict = decide(0)
    let number = 0
    for (const until = cpu() + seconds / 4; cpu() < until;) for (let i = 0; i < 20; i++) decide(number++)
    const started = cpu()
    let done = 0, took = 0
    do { for (let i = 0; i < 20; i++) decide(number++); done += 20 } while ((took = cpu() - started) < seconds)
    found[size][title] = { verdict, rate: done / took }
  }
}
console.log(JSON.stringify(found))
