/**
 * @file A sweep while it runs: a line per run that ends, and in a terminal a live table of those that run,
 * what is done, failed and left.
 */
import { MultiBar, type SingleBar } from 'cli-progress'
import type { CellEvent } from '../../sweep/tracker.ts'
import { clock, percent } from '../../util/format.ts'
import { currentIo } from '../io.ts'
import { print } from './output.ts'
import { inColumns } from './width.ts'

/** Rows of runs; a table longer than the terminal would not hold still. */
const ROWS = 12

export class SweepDisplay {
  readonly #bars?: MultiBar
  readonly #all?: SingleBar
  readonly #rows = new Map<string, SingleBar>()
  readonly #total: number
  readonly #before: number
  readonly #started = performance.now()
  readonly #running = new Map<string, number>()
  readonly #failed = new Set<string>()
  #done: number

  constructor(total: number, done: number) {
    this.#total = total
    this.#before = done
    this.#done = done
    if (done > 0) print(`${done} of ${total} runs are done already`)
    const { stdout } = currentIo()
    if (!stdout.isTTY) return
    this.#bars = new MultiBar({
      hideCursor: true,
      barsize: 20,
      clearOnComplete: true,
      stopOnComplete: false,
      stream: stdout,
      gracefulExit: false,
      forceRedraw: true,
      format: '[{bar}] {percentage} % {name}',
    })
    this.#all = this.#bars.create(...[total, done, { done, running: 0, failed: 0, left: '?' }], {
      format: '{left} left [{bar}] {done} of {total} runs done, {running} running, {failed} failed',
    })
  }

  show(event: CellEvent): void {
    const { name } = event.cell
    if (event.type === 'start') this.#run(name, 0)
    else if (event.type === 'progress') this.#run(name, event.share)
    else this.#end(event)
    const started = [...this.#running.values()].reduce((a, b) => a + b, 0)
    const made = this.#done - this.#before + started
    const seconds = (performance.now() - this.#started) / 1000
    const left = (seconds / made) * (this.#total - this.#failed.size - this.#done - started)
    const counts = { done: this.#done, running: this.#running.size, failed: this.#failed.size }
    this.#all?.update(this.#done + started, { ...counts, left: made > 0 ? clock(left) : '?' })
  }

  /** What is worth a line of its own. */
  line(text: string): void {
    if (this.#bars) {
      this.#bars.log(`${inColumns(text, currentIo().stdout)}\n`)
      this.#bars.update() // The last line would never be drawn.
    } else print(text)
  }

  stop(): void {
    this.#bars?.stop()
  }

  #run(name: string, share: number): void {
    this.#running.set(name, share)
    const row = this.#rows.get(name)
    if (row) row.update(share)
    else if (this.#bars && this.#rows.size < ROWS) this.#rows.set(name, this.#bars.create(1, share, { name }))
  }

  #end(event: Extract<CellEvent, { type: 'done' | 'failed' }>): void {
    const { name } = event.cell
    this.#running.delete(name)
    const row = this.#rows.get(name)
    if (row) this.#bars?.remove(row)
    this.#rows.delete(name)
    if (event.type === 'done') {
      this.#done++
      const { final, sparsity, seconds } = event.result
      this.line(`${name}: ${percent(final.accuracy)}, sparsity ${percent(sparsity)}, ${clock(seconds)}`)
    } else {
      if (!event.again) this.#failed.add(name)
      this.line(`${name} failed${event.again ? ', to be tried again' : ''}: ${event.reason}`)
    }
  }
}
