// How long the command line takes to say what it knows without any work, beside a program that does nothing.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { markdownTable } from 'markdown-table'
import { median, roundsOf } from './contender.mjs'
import { machineText } from './report.mjs'

const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
const ROUNDS = 20
const programs = {
  'node -e 0': ['-e', '0'],
  'espalier --version': [main, '--version'],
  'espalier run --bogus': [main, 'run', '--bogus'],
  'espalier --help': [main, '--help'],
  'espalier list models': [main, 'list', 'models'],
}

/** Writes the report to `file`. Programs take turns, so that a machine whose speed drifts is fair to all. */
export function benchStartUp(file) {
  const rounds = roundsOf(ROUNDS)
  const times = Object.values(programs).map(() => [])
  for (let round = 0; round < rounds; round++)
    for (const [i, args] of Object.values(programs).entries()) {
      const start = performance.now()
      spawnSync(process.execPath, args, { stdio: 'ignore' })
      times[i].push(performance.now() - start)
    }
  const [plain] = times
  const rows = Object.keys(programs).map((name, i) => {
    const above = median(times[i].map((ms, round) => ms - plain[round]))
    return [`\`${name}\``, ...[median(times[i]), Math.min(...times[i]), above].map((ms) => ms.toFixed(0))]
  })
  const head = ['', 'ms (median)', 'ms (least)', 'above plain node, ms']
  writeFileSync(
    file,
    `# Start of the command line

Measured with \`npm run bench start-up\` on ${machineText()}: ${rounds} rounds in which the
programs take turns, each started and waited for. The last column is the median over rounds of the difference
to \`node -e 0\` of the same round. At most 100 ms are aimed at for \`--version\` and for a flag that is refused.

${markdownTable([head, ...rows], { align: ['l', 'r', 'r', 'r'] })}
`,
  )
}
