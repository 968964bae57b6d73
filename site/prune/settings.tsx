/** @file How the network is to be pruned, and how far the work is. */
import { useState } from 'preact/hooks'
import { normalizations } from '../../src/data/normalization.ts'
import { duration } from '../shared/format.ts'
import type { Asked, PageMethod } from '../work/prune.ts'
import type { SampleKind } from '../work/samples.ts'
import type { Work } from './app.tsx'
import type { Facts } from './protocol.ts'

interface Props {
  facts: Facts
  work?: Work
  prune(asked: Asked): void
  stop(): void
}

const methods: Record<PageMethod, { name: string; about: string }> = {
  magnitude: { name: 'Magnitude', about: 'The smallest weights go. It looks at no samples.' },
  obc: {
    name: 'OBC',
    about: 'Weights go one by one, and those that stay make up for them (Frantar & Alistarh 2022). The slowest.',
  },
  sparsegpt: { name: 'SparseGPT', about: 'As OBC, by columns, in one pass (Frantar & Alistarh 2023).' },
  wanda: {
    name: 'Wanda',
    about: 'The smallest products of weight and input go; the others stay as they are (Sun et al. 2023).',
  },
}

const kinds: Record<SampleKind, string> = {
  random: 'Random inputs',
  digits: 'MNIST digits, with labels',
  images: 'My own images',
}

const RANDOM = {
  magnitude: 'They only measure how far the outputs move, and say little about real inputs.',
  other: 'The layers are fitted to noise: with real images the result is better, and so is what is measured.',
}

export function Settings({ facts, work, prune, stop }: Props) {
  const [method, setMethod] = useState<PageMethod>('magnitude')
  const [scope, setScope] = useState<Asked['scope']>('global')
  const [percent, setPercent] = useState(80)
  const [kind, setKind] = useState<SampleKind>(facts.samples.includes('digits') ? 'digits' : 'random')
  const [files, setFiles] = useState<File[]>([])
  const [normalization, setNormalization] = useState('')
  const knowsScopes = method === 'magnitude' || method === 'obc'
  const lacking = facts.runs && kind === 'images' && files.length === 0
  const isValid = percent >= 0 && percent <= 100

  return (
    <section aria-labelledby="settings">
      <h2 id="settings">Prune</h2>
      <form
        class="card settings"
        onSubmit={(event) => {
          event.preventDefault()
          if (isValid && !lacking && !work)
            prune({
              method,
              scope: knowsScopes ? scope : 'layerwise',
              sparsity: percent / 100,
              samples: { kind, files, normalization: normalization || undefined },
            })
        }}
      >
        <div class="field">
          <label for="method">Method</label>
          <select
            id="method"
            aria-describedby="about-method"
            value={method}
            onChange={({ currentTarget }) => setMethod(currentTarget.value as PageMethod)}
          >
            {Object.entries(methods).map(([key, { name }]) => (
              <option key={key} value={key} disabled={key !== 'magnitude' && !facts.runs}>
                {name}
              </option>
            ))}
          </select>
          <p id="about-method" class="soft hint">
            {methods[method].about}
          </p>
        </div>
        <div class="field">
          <label for="scope">Which weights compete</label>
          <select
            id="scope"
            aria-describedby="about-scope"
            value={knowsScopes ? scope : 'layerwise'}
            disabled={!knowsScopes}
            onChange={({ currentTarget }) => setScope(currentTarget.value as Asked['scope'])}
          >
            <option value="global">All of the network</option>
            <option value="layerwise">Those of a layer</option>
          </select>
          <p id="about-scope" class="soft hint">
            {knowsScopes && scope === 'global'
              ? 'Layers end with different shares of zeros.'
              : 'Every layer gets the same share of zeros.'}
          </p>
        </div>
        <div class="field">
          <label for="sparsity">Zeros, in percent</label>
          <div class="slider">
            <input
              type="range"
              min="0"
              max="99"
              step="1"
              aria-label="Zeros, in percent, as a slider"
              value={percent}
              onInput={({ currentTarget }) => setPercent(currentTarget.valueAsNumber)}
            />
            <input
              id="sparsity"
              type="number"
              min="0"
              max="100"
              step="any"
              required
              value={Number.isNaN(percent) ? '' : percent}
              onInput={({ currentTarget }) => setPercent(currentTarget.valueAsNumber)}
            />
          </div>
        </div>
        {facts.runs && (
          <fieldset class="field">
            <legend>Samples</legend>
            {facts.samples.map((key) => (
              <label class="choice" key={key}>
                <input type="radio" name="samples" value={key} checked={kind === key} onChange={() => setKind(key)} />
                {kinds[key]}
              </label>
            ))}
            {kind === 'images' && (
              <>
                <label class="files">
                  <span>Image files</span>
                  <input
                    type="file"
                    accept="image/*"
                    multiple
                    onChange={({ currentTarget }) => setFiles([...(currentTarget.files ?? [])])}
                  />
                </label>
                <label class="files">
                  <span>Mean and deviation of pixels</span>
                  <select value={normalization} onChange={({ currentTarget }) => setNormalization(currentTarget.value)}>
                    <option value="">as the file says, or the usual ones</option>
                    {Object.entries(normalizations)
                      .filter(([, { mean }]) => mean.length === 1 || mean.length === facts.sample![0])
                      .map(([name]) => (
                        <option key={name}>{name}</option>
                      ))}
                  </select>
                </label>
              </>
            )}
            <p class="soft hint">
              {kind === 'random' && RANDOM[method === 'magnitude' ? 'magnitude' : 'other']}
              {kind === 'digits' &&
                `${method === 'magnitude' ? 'The' : 'Layers are fitted to training images; the'} accuracy is that of 2,000 test images.`}
              {kind === 'images' && `They are cut to ${facts.sample!.slice(1).join(' × ')} pixels and stay here.`}
            </p>
          </fieldset>
        )}
        <div class="go">
          {work ? (
            <button key="stop" type="button" onClick={stop}>
              Cancel
            </button>
          ) : (
            <button key="go" type="submit" class="main" disabled={!isValid || lacking}>
              Prune
            </button>
          )}
          <Progress work={work} />
        </div>
      </form>
    </section>
  )
}

function Progress({ work }: { work?: Work }) {
  return (
    <div class="progress">
      {work && (
        <>
          <progress max="1" value={work.share} aria-label="Progress" />
          <span class="soft">
            {work.text}
            {work.left ? `, about ${duration(work.left)} left` : ''}
          </span>
        </>
      )}
    </div>
  )
}
