/** @file What is left of each layer of some runs, the bars of a layer below each other. */
import type { RunDetail } from '../../src/studio/api.ts'
import { Bars } from '../views/bars.tsx'
import { colorOf } from '../views/series.ts'
import { namesOf } from './curves.tsx'

const nameOf = (layer: string): string => layer.replace(/\.weight$/, '')

export function Layers({ runs }: { runs: readonly RunDetail[] }) {
  const all = runs.flatMap((run, index) => (run.layers ? [{ run, index, layers: run.layers }] : []))
  if (all.length === 0) return null
  const names = namesOf(runs)
  return (
    <section class="card">
      <h2>Weights left in each layer</h2>
      <div class="panels">
        {all.map(({ run: { summary, result }, index, layers }) => (
          <Bars
            key={summary.id}
            title={`${runs.length > 1 ? `${names[index]}, ` : ''}${result ? 'at the end' : 'at the last checkpoint'}`}
            color={colorOf(index)}
            bars={layers.map(({ name, size, kept, learnable }) => {
              const left = (learnable ?? kept) / size
              return { name: nameOf(name), share: left, text: `${(100 * left).toPrecision(left >= 0.1 ? 3 : 2)} %` }
            })}
          />
        ))}
      </div>
    </section>
  )
}
