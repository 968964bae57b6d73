/**
 * @file A run as it is seen in a terminal: a bar with rate and time left, and a line per epoch. Without a terminal, the lines alone.
 */
import { MultiBar, type SingleBar } from 'cli-progress'
import { grouped, layerTable, percent, resultTable } from '../experiment/report.ts'
import type { RunEvent } from '../experiment/run.ts'
import { clock, print } from './output.ts'

export class RunDisplay {
  #bars?: MultiBar
  #bar?: SingleBar
  /** While the network is measured for its scores. */
  #scoring?: SingleBar

  show(event: RunEvent): void {
    switch (event.type) {
      case 'start':
        this.#start(event)
        break
      case 'progress':
        this.#bar?.update(event.step, {
          ...{
            epoch: event.epoch,
            epochs: event.epochs,
            loss: event.loss.toFixed(4),
            accuracy: percent(event.accuracy),
          },
          sparsity: percent(event.sparsity),
          ...{ rate: grouped(Math.round(event.samplesPerSecond)), left: clock(event.secondsLeft) },
        })
        break
      case 'epoch':
        this.#line(epochLine(event))
        break
      case 'scoring':
        this.#score(event)
        break
      case 'prune':
        for (const name of event.collapsed)
          this.#line(`warning: layer ${name} has collapsed: at step ${event.step} pruning left none of its weights`)
        break
      case 'notice':
        this.#line(`note: ${event.text}`)
        break
      case 'end':
        this.stop()
        print(`\n${layerTable(event.result.layers)}\n\n${resultTable(event.result)}\n\nThe run is in ${event.folder}`)
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
    if (!process.stdout.isTTY) return
    const format =
      'epoch {epoch}/{epochs} [{bar}] loss {loss}  accuracy {accuracy}  sparsity {sparsity}  {rate} samples/s  {left} left'
    this.#bars = new MultiBar({
      format,
      hideCursor: true,
      barsize: 20,
      clearOnComplete: true,
      stopOnComplete: false,
      stream: process.stdout,
      gracefulExit: false,
    })
    const empty = { epoch: 1, epochs: event.epochs, loss: '-', accuracy: '-', sparsity: '-', rate: '-', left: '?' }
    this.#bar = this.#bars.create(event.steps, event.resumedAt ?? 0, empty)
  }

  #score({ done, total, seconds }: Extract<RunEvent, { type: 'scoring' }>): void {
    const left = clock((seconds * (total - done)) / done)
    if (this.#bars) {
      const format = 'scoring [{bar}] {value}/{total}, {left} left'
      this.#scoring ??= this.#bars.create(total, done, { left }, { format })
      this.#scoring.update(done, { left })
      this.#bars.update() // The run is busy: no timer draws.
    }
    if (done < total) return
    if (this.#scoring) this.#bars?.remove(this.#scoring)
    this.#scoring = undefined
    this.#line(`scores measured in ${seconds.toFixed(1)} s`)
  }

  #line(text: string): void {
    if (!this.#bars) {
      print(text)
      return
    }
    this.#bars.log(`${text}\n`)
    this.#bars.update() // Now, since the run may be busy, or over, before a timer does it.
  }
}

function epochLine(event: Extract<RunEvent, { type: 'epoch' }>): string {
  const held =
    event.validationAccuracy === undefined
      ? ''
      : `  validation loss ${event.validationLoss?.toFixed(4)} accuracy ${percent(event.validationAccuracy)}`
  return `epoch ${String(event.epoch).padStart(3)}  loss ${event.trainLoss.toFixed(4)}  accuracy ${percent(event.trainAccuracy)}${held}  sparsity ${percent(event.sparsity)}`
}
