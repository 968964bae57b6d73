/** @file What the dense and the pruned network make of a picture: a file, the camera, or a test digit. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { FileButton } from '../shared/file-button.tsx'
import { percent } from '../shared/format.ts'
import type { Guess, Guesses, Picture } from '../work/classify.ts'
import type { Outcome } from '../work/prune.ts'
import { Camera } from './camera.ts'
import type { Client } from './client.ts'
import type { Facts } from './protocol.ts'

interface Props {
  facts: Facts
  outcome?: Outcome
  client: Client
  busy: boolean
}

/** Where a picture comes from, such as the name of its file. */
interface Shown {
  picture: Picture
  called: string
}

export function Pictures({ facts, outcome, client, busy }: Props) {
  const [shown, show] = useState<Shown>()
  const [guesses, setGuesses] = useState<Guesses>()
  const [invert, setInvert] = useState(false)
  const [error, setError] = useState('')
  const [live, setLive] = useState(false)
  const camera = useRef<Camera>(undefined)

  const guess = async (picture: Picture) => {
    try {
      setGuesses(await client.ask('guess', { asked: { picture, invert } }))
      setError('')
    } catch (failed) {
      setGuesses(undefined)
      setError((failed as Error).message)
    }
  }
  // Again where the network, or the picture, is another.
  useEffect(() => {
    if (shown && !busy) guess(shown.picture)
  }, [shown, invert, outcome, busy])

  // Frame after frame, each as soon as the one before is told.
  useEffect(() => {
    if (!live || busy) return
    let going = true
    const next = async () => {
      while (going) {
        const frame = await camera.current?.frame()
        if (!frame || !going) return
        await guess({ source: frame })
      }
    }
    next()
    return () => {
      going = false
    }
  }, [live, invert, outcome, busy])
  useEffect(() => () => camera.current?.stop(), [])

  const toggle = async () => {
    setError('')
    if (live) {
      camera.current?.stop()
      return setLive(false)
    }
    try {
      camera.current = await Camera.start()
      show(undefined)
      setLive(true)
    } catch (failed) {
      setError((failed as Error).message)
    }
  }
  const take = (picture: Picture, called: string) => {
    camera.current?.stop()
    setLive(false)
    show({ picture, called })
  }

  return (
    <section aria-labelledby="pictures">
      <h2 id="pictures">Try it on a picture</h2>
      {facts.noPictures ? (
        <p class="card soft">{facts.noPictures}</p>
      ) : (
        <div class="card pictures">
          <div class="buttons">
            <FileButton
              id="picture"
              label="A picture"
              accept="image/*"
              text="Choose a picture"
              disabled={busy}
              take={(file) => take({ source: file }, file.name)}
            />
            <button type="button" disabled={busy && !live} onClick={toggle}>
              {live ? 'Stop the camera' : 'Use the camera'}
            </button>
            {facts.digits && (
              <button
                type="button"
                disabled={busy}
                onClick={() => take({ digit: Math.floor(2000 * Math.random()) }, 'a test digit')}
              >
                Take a test digit
              </button>
            )}
            <label class="choice">
              <input type="checkbox" checked={invert} onChange={() => setInvert(!invert)} />
              Dark is light
            </label>
          </div>
          <p class="error" role="alert">
            {error}
          </p>
          {facts.guessed && (
            <p class="note">
              The file says nothing of mean and deviation of pixels: those of {facts.guessed} are a guess, and wrong
              ones give wrong classes.
            </p>
          )}
          <div class="guesses">
            <figure>
              <Seen seen={guesses?.seen} />
              <figcaption class="soft">
                {guesses
                  ? `What the network sees of ${live ? 'the camera' : (shown?.called ?? 'it')}${guesses.label ? `: ${guesses.label}` : ''}`
                  : 'Nothing leaves this page, frames of the camera neither.'}
              </figcaption>
            </figure>
            <Bars title="Dense" guesses={guesses?.versions[0]} />
            <Bars title="Pruned" guesses={guesses?.versions[1]} lacking={outcome ? '' : 'Prune first.'} />
          </div>
        </div>
      )}
    </section>
  )
}

function Seen({ seen }: { seen?: ImageData }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    if (seen) canvas.current!.getContext('2d')!.putImageData(seen, 0, 0)
  }, [seen])
  return (
    <canvas
      ref={canvas}
      class={seen && seen.width < 100 ? 'seen small' : 'seen'}
      width={seen?.width ?? 1}
      height={seen?.height ?? 1}
      role="img"
      aria-label={seen ? 'The picture as the network sees it' : 'No picture yet'}
    />
  )
}

function Bars({ title, guesses, lacking = '' }: { title: string; guesses?: readonly Guess[]; lacking?: string }) {
  return (
    <section class="guess" aria-label={title}>
      <h3>{title}</h3>
      {guesses ? (
        <ol>
          {guesses.map(({ name, share }) => (
            <li key={name}>
              <span class="name">{name}</span>
              <span class="number">{percent(share)}</span>
              <span class="share" style={{ '--share': `${100 * share}%` }} />
            </li>
          ))}
        </ol>
      ) : (
        <p class="soft">{lacking}</p>
      )}
    </section>
  )
}
