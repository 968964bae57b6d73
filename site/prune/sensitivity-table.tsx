/** @file What pruning each tensor alone does: the darker a cell, the more it costs. */
import { grouped, milliseconds, percent } from '../shared/format.ts'
import type { Sensitivity } from '../work/sensitivity.ts'
import { methodTexts } from './methods.ts'

export function SensitivityTable({ sensitivity }: { sensitivity?: Sensitivity }) {
  if (!sensitivity) return null
  const { sparsities, tensors, asked, judges, byDistance } = sensitivity
  const channels = asked.granularity === 'channel'
  const most = Math.max(1e-9, ...tensors.flatMap(({ losses }) => losses.filter(Number.isFinite)))
  return (
    <section aria-labelledby="sensitivity">
      <h2 id="sensitivity">Sensitivity</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls by keys */}
      <section class="card scroll sensitivity" aria-label="Sensitivity of tensors" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">{channels ? 'Tied layers' : 'Tensor'}</th>
              <th scope="col" class="number">
                Weights
              </th>
              {sparsities.map((sparsity) => (
                <th scope="col" class="number" key={sparsity}>
                  {percent(sparsity, sparsity * 100 === Math.round(sparsity * 100) ? 0 : 1)}
                </th>
              ))}
              <th scope="col" class="number">
                Time, dense
              </th>
              <th scope="col" class="number">
                {`at ${percent(sparsities.at(-1)!, 0)}`}
              </th>
            </tr>
          </thead>
          <tbody>
            {tensors.map(({ name, size, losses, milliseconds: ms }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td class="number">{grouped(size)}</td>
                {losses.map((loss, i) => (
                  <td key={sparsities[i]} class={`number cost cost-${shadeOf(loss, most)}`}>
                    {shown(loss)}
                  </td>
                ))}
                <td class="number">{milliseconds(ms[0])}</td>
                <td class="number">{milliseconds(ms.at(-1)!)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <p class="soft">
        {byDistance ? 'The distance of the outputs' : 'What the loss grows by'}, on {grouped(judges)} samples (
        {asked.samples}), where {channels ? 'channels of these layers alone go' : 'that tensor alone is pruned'} by{' '}
        {methodTexts[asked.method].name} to so many zeros; times are those of{' '}
        {channels ? 'the network without them' : 'its layer'}, of {milliseconds(sensitivity.milliseconds)} for the whole
        network.
      </p>
    </section>
  )
}

const SHADES = 4

/** From 0 to 4, in steps of ten: losses go over orders of magnitude. */
function shadeOf(loss: number, most: number): number {
  if (!Number.isFinite(loss)) return SHADES
  return Math.max(0, Math.min(SHADES, SHADES + 1 + Math.floor(Math.log10(Math.max(loss, 1e-12) / most) + 1e-9)))
}

const shown = (loss: number): string =>
  !Number.isFinite(loss) ? '∞' : loss === 0 ? '0' : loss < 0.001 ? '< 0.001' : loss.toPrecision(loss < 0.1 ? 1 : 2)
