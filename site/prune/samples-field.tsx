/** @file What the network is pruned and judged on. */
import { normalizations } from '../../src/data/normalization.ts'
import type { PageMethod } from '../work/asked.ts'
import type { AskedSamples, SampleKind } from '../work/samples.ts'
import type { Facts } from './protocol.ts'

const kinds: Record<SampleKind, string> = {
  random: 'None: random inputs',
  digits: 'MNIST digits, with labels',
  images: 'My own images',
  arrays: 'My own arrays',
}

const RANDOM = {
  magnitude: 'They only measure how far the outputs move, and say little about real inputs.',
  other: 'The layers are fitted to noise: with real inputs the result is better, and so is what is measured.',
}

interface Props {
  facts: Facts
  method: PageMethod
  samples: AskedSamples
  setSamples(samples: AskedSamples): void
}

export function SamplesField({ facts, method, samples, setSamples }: Props) {
  const { kind, normalization = '' } = samples
  const files = (
    <input
      id="samples"
      type="file"
      multiple
      accept={kind === 'images' ? 'image/*' : '.npy,.npz,.safetensors,.f32,.wav'}
      onChange={({ currentTarget }) => setSamples({ ...samples, files: [...(currentTarget.files ?? [])] })}
    />
  )
  return (
    <fieldset class="field samples">
      <legend>Samples</legend>
      <div class="choices">
        {facts.samples.map((key) => (
          <label class="choice" key={key}>
            <input
              type="radio"
              name="samples"
              value={key}
              checked={kind === key}
              onChange={() => setSamples({ kind: key })}
            />
            {kinds[key]}
          </label>
        ))}
      </div>
      {kind === 'images' && (
        <>
          <div class="files" key="images">
            <label for="samples">Image files</label>
            {files}
          </div>
          <label class="files">
            <span>Mean and deviation of pixels</span>
            <select
              value={normalization}
              onChange={({ currentTarget }) =>
                setSamples({ ...samples, normalization: currentTarget.value || undefined })
              }
            >
              <option value="">{facts.guessed ? `a guess: those of ${facts.guessed}` : 'as the file says'}</option>
              {Object.entries(normalizations)
                .filter(([, { mean }]) => mean.length === 1 || mean.length === facts.sample![0])
                .map(([name]) => (
                  <option key={name}>{name}</option>
                ))}
            </select>
          </label>
        </>
      )}
      {kind === 'arrays' && (
        <div class="files" key="arrays">
          <label for="samples">Files of arrays</label>
          {files}
        </div>
      )}
      <p class={kind === 'images' && facts.guessed && !normalization ? 'note hint' : 'soft hint'}>
        {kind === 'random' && RANDOM[method === 'magnitude' ? 'magnitude' : 'other']}
        {kind === 'digits' &&
          `${method === 'magnitude' ? 'The' : 'Layers are fitted to training images; the'} accuracy is that of 2,000 test images.`}
        {kind === 'images' &&
          (facts.guessed && !normalization
            ? `The file says nothing of mean and deviation: those of ${facts.guessed} are a guess, and wrong ones give wrong figures.`
            : `They are cut to ${facts.sample!.slice(1).join(' × ')} pixels and stay here.`)}
        {kind === 'arrays' &&
          `.npy or .npz, [n, ${facts.sample!.join(', ')}] as the network takes them; an array called labels gives an accuracy.`}
      </p>
    </fieldset>
  )
}
