/**
 * @file One step of one model, in a process of its own: what it is told comes as JSON in the first argument,
 * what it found goes to the last line of the output, with the memory that it took at most.
 */
import { readFileSync } from 'node:fs'
import { openMachine } from '../../dist/engine/machines/open.js'
import { agreement } from './agreement.mjs'
import { prune } from './prune.mjs'
import { distance } from './runtime.mjs'

const steps = { agreement, prune, distance }

const { step, file, ...told } = JSON.parse(process.argv[2])
const started = performance.now()
let result
try {
  const bytes = readFileSync(file)
  result = await steps[step]({ ...told, bytes, path: told.called, machine: await openMachine() })
} catch (error) {
  result = { reason: error.message }
}
const seconds = (performance.now() - started) / 1000
const peak = process.resourceUsage().maxRSS * 1024
console.log(`\n${JSON.stringify({ ...result, seconds, peak })}`)
process.exit(0)
