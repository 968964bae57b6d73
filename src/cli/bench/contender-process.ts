/**
 * @file The program of a contender of `bench --against`: it opens what it is told, and runs it when it is
 * asked to. It ends with the process that started it.
 */
import { UserError } from '../../util/errors.ts'
import type { Answer, Request } from './contender.ts'
import { openContender, type Runner } from './open.ts'
import { BLOCK, SETTLING } from './turns.ts'

const answer = (value: Answer) => process.send?.(value)
/** Bytes that this process has taken at most; the system counts in units of 1024. */
const peak = () => process.resourceUsage().maxRSS * 1024

let runner: Runner | undefined

async function reply(request: Request): Promise<Answer> {
  if (request.ask === 'open') {
    const before = peak()
    runner = await openContender(request.spec)
    const { description, sparsity } = runner
    const output = Float32Array.from(await runner.run())
    return { opened: { description, sparsity, output, before } }
  }
  if (request.ask === 'peak') return { peak: peak() }
  if (!runner) throw new Error('a contender that was not opened was asked to run')
  await runsOf(runner, SETTLING)
  return { block: await runsOf(runner, BLOCK) }
}

/** Runs until so much time has passed, at least once; milliseconds per run. */
async function runsOf({ run }: Runner, seconds: number): Promise<number> {
  const start = performance.now()
  for (let runs = 1; ; runs++) {
    await run()
    const passed = performance.now() - start
    if (passed >= 1000 * seconds) return passed / runs
  }
}

process.on('message', async (request: Request) => {
  try {
    answer(await reply(request))
  } catch (error) {
    answer({ problem: error instanceof UserError ? error.message : `an internal error: ${(error as Error).stack}` })
  }
})
process.on('disconnect', () => process.exit(0))
