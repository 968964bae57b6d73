/** @file What a network consists of: its drawing, its tensors, and one of them from near. */
import { useEffect, useState } from 'preact/hooks'
import { grouped, percent } from '../shared/format.ts'
import type { Outcome } from '../work/prune.ts'
import type { Client } from './client.ts'
import { NetworkDrawing } from './network-drawing.tsx'
import type { Facts, TensorFacts } from './protocol.ts'
import { TensorView } from './tensor-view.tsx'

interface Props {
  facts: Facts
  outcome?: Outcome
  client: Client
  busy: boolean
  openAs(network: string): void
}

export function Layers({ facts, outcome, client, busy, openAs }: Props) {
  const [wanted, choose] = useState('')
  const chosen = (facts.tensors.find(({ name }) => name === wanted) ?? facts.tensors[0]).name
  const [tensor, setTensor] = useState<TensorFacts>()
  useEffect(() => {
    if (busy) return
    let current = true
    client.ask('tensor', { name: chosen }).then(
      (found) => current && setTensor(found),
      () => {},
    )
    return () => {
      current = false
    }
  }, [facts, chosen, outcome, client, busy])
  const zeros = new Map(
    (outcome?.layers ?? facts.tensors).map((layer) => [layer.name, layer.zeros / Math.max(1, layer.size)]),
  )

  return (
    <section aria-labelledby="layers">
      <h2 id="layers">Layers</h2>
      {!facts.runs && (
        <p class="note">
          This file does not run here, so that its weights can only be pruned by magnitude: {facts.reason}.
        </p>
      )}
      {facts.candidates && facts.candidates.length > 0 && (
        <p class="as">
          <label for="as">It has the tensors of</label>
          <select id="as" value="" disabled={busy} onChange={({ currentTarget }) => openAs(currentTarget.value)}>
            <option value="" disabled>
              choose a network
            </option>
            {facts.candidates.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </p>
      )}
      {facts.note && <p class="note">{facts.note}</p>}
      <div class="layers">
        <NetworkDrawing drawing={facts.drawing} chosen={chosen} choose={choose} zeros={zeros} />
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls by keys */}
        <section class="card scroll" aria-label="Tensors" tabIndex={0}>
          <table class="tensors">
            <thead>
              <tr>
                <th scope="col">Tensor</th>
                <th scope="col" class="shape">
                  Shape
                </th>
                <th scope="col" class="number">
                  Weights
                </th>
                <th scope="col" class="number">
                  Zeros
                </th>
              </tr>
            </thead>
            <tbody>
              {facts.tensors.map(({ name, shape, size }) => (
                <tr key={name} class={name === chosen ? 'chosen' : ''}>
                  <th scope="row">
                    <button type="button" class="plain" aria-pressed={name === chosen} onClick={() => choose(name)}>
                      {name}
                    </button>
                  </th>
                  <td class="shape">{shape.join('×')}</td>
                  <td class="number">{grouped(size)}</td>
                  <td class="number">{percent(zeros.get(name) ?? 0)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
        <TensorView tensor={tensor} />
      </div>
    </section>
  )
}
