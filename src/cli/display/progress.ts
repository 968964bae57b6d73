/**
 * @file A run as it is seen in a terminal: a bar with rate and time left, and a line per epoch. Without a
 * terminal, the lines alone.
 */
import { MultiBar, type SingleBar } from 'cli-progress'
import type { RunEvent } from '../../experiment/run/events.ts'
import { collapseLines, gainText, gapText, layerTable, resultTable } from '../../experiment/run/report.ts'
import { clock, grouped, percent } from '../../util/format.ts'
import { currentIo } from '../io.ts'
import { PruneDisplay } from '../prune/progress.ts'
import { print } from './output.ts'
import { fitting, inColumns } from './width.ts'

/** Columns of a table of layers that go where there is no room, the first ones first. */
export const EXPENDABLE = ['on a path', 'learnable', 'kernels', 'note']

/** Milliseconds of a pruning event before anything is said about it, and between two lines. */
const PATIENCE = 2000

export class RunDisplay {
  #bars?: MultiBar
  #bar?: SingleBar
  /** Of a pruning event that goes on. */
  #pruning?: PruneDisplay

  show(event: RunEvent): void {
    switch (event.type) {
      case 'start':
        this.#start(event)
        break
      case 'progress':
        this.#bar?.update(event.step, {
          epoch: event.epoch,
          epochs: event.epochs,
          loss: event.loss.toFixed(4),
          accuracy: percent(event.accuracy),
          sparsity: percent(event.sparsity),
          rate: grouped(Math.round(event.samplesPerSecond)),
          left: clock(event.secondsLeft),
        })
        break
      case 'epoch':
        this.#line(epochLine(event))
        break
      case 'pruning':
        this.#pruning ??= new PruneDisplay({
          write: (text) => this.#line(`  ${text}`),
          bars: false,
          between: PATIENCE,
          patience: PATIENCE,
        })
        this.#pruning.show(event.phase, event.text, event.share)
        break
      case 'prune':
        this.#pruning = undefined
        if (event.statistics)
          this.#line(
            `step ${event.step}: new statistics from ${grouped(event.statistics.images)} images, loss ${event.statistics.before.toFixed(4)} before and ${event.statistics.after.toFixed(4)} after${event.statistics.taken ? '' : ': the old ones stay'}`,
          )
        for (const name of event.collapsed)
          this.#line(`warning: layer ${name} has collapsed: at step ${event.step} pruning left none of its weights`)
        if (event.deadOutputs > 0)
          this.#line(
            `warning: at step ${event.step} no path is left from the input to ${event.deadOutputs} of the ${event.outputs} outputs`,
          )
        if (event.floor !== undefined)
          this.#line(`note: at step ${event.step} a floor of ${event.floor} in every layer was needed against collapse`)
        if (Math.abs(event.sparsity - event.target) >= 5e-5)
          this.#line(
            `note: at step ${event.step} sparsity is ${percent(event.sparsity)}, ${percent(event.target)} was asked for`,
          )
        break
      case 'phase':
        print(`\nrun ${event.index} of ${event.phases}: ${event.name}`)
        break
      case 'notice':
        this.#line(`note: ${event.text}`)
        break
      case 'end':
        this.stop()
        print(
          [
            '',
            fitting(layerTable(event.result.layers, event.result.kernels), EXPENDABLE),
            '',
            ...[gapText(event.result.gap), gainText(event.result)].flatMap((text) => (text ? [text, ''] : [])),
            resultTable(event.result),
            '',
            ...collapseLines(event.result),
            `The run is in ${event.folder}`,
          ].join('\n'),
        )
    }
  }

  /** Removes the bar, so that what follows stands on its own line. */
  stop(): void {
    this.#bars?.stop()
    this.#bars = undefined
    this.#bar = undefined
  }

  #start(event: Extract<RunEvent, { type: 'start' }>): void {
    const weights = event.layers.reduce((sum, { size }) => sum + size, 0)
    print(
      `${grouped(weights)} prunable weights, ${event.epochs} epochs, ${grouped(event.steps)} steps; engine: ${event.engine}`,
    )
    print(
      event.resumedAt === undefined
        ? `run folder: ${event.folder}`
        : `resuming ${event.folder} at step ${event.resumedAt}`,
    )
    const { stdout } = currentIo()
    if (!stdout.isTTY) return
    const format = '{left} left [{bar}] epoch {epoch}/{epochs}  loss {loss}  {accuracy}  zeros {sparsity}  {rate}/s'
    this.#bars = new MultiBar({
      format,
      hideCursor: true,
      barsize: 8,
      clearOnComplete: true,
      stopOnComplete: false,
      stream: stdout,
      gracefulExit: false,
    })
    const empty = { epoch: 1, epochs: event.epochs, loss: '-', accuracy: '-', sparsity: '-', rate: '-', left: '?' }
    this.#bar = this.#bars.create(event.steps, event.resumedAt ?? 0, empty)
  }

  #line(text: string): void {
    if (this.#bars) {
      this.#bars.log(`${inColumns(text, currentIo().stdout)}\n`)
      // Timers, which draw otherwise, stand still while a network is pruned.
      this.#bars.update()
    } else print(text)
  }
}

/** The line of an epoch; with the F1 where the best epoch is found by it. */
export function epochLine(event: Extract<RunEvent, { type: 'epoch' }>): string {
  const f1Text = (f1: number | undefined) => (event.metric === 'f1' && f1 !== undefined ? ` F1 ${percent(f1)}` : '')
  const held =
    event.validationAccuracy === undefined
      ? ''
      : `  validation loss ${event.validationLoss?.toFixed(4)} accuracy ${percent(event.validationAccuracy)}${f1Text(event.validationF1)}`
  const pruned =
    event.prunedAccuracy === undefined ? '' : `, pruned ${percent(event.prunedAccuracy)}${f1Text(event.prunedF1)}`
  const parts = [
    event.trainSet && `  training set ${percent(event.trainSet.accuracy)}`,
    event.testSet && `  test set ${percent(event.testSet.accuracy)}`,
  ].join('')
  const gap = event.gap ? `  gap ${(event.gap.kept / event.gap.removed).toPrecision(3)}` : ''
  return `epoch ${String(event.epoch).padStart(3)}  loss ${event.trainLoss.toFixed(4)}  accuracy ${percent(event.trainAccuracy)}${held}${pruned}${gap}  sparsity ${percent(event.sparsity)}${parts}${event.best ? '  best so far' : ''}`
}
