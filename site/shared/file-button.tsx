/** @file A button that lets a file be chosen, and the same one again. */
import { useRef } from 'preact/hooks'

interface Props {
  /** Of the input behind the button. */
  id: string
  label: string
  accept: string
  /** On the button. */
  text: string
  main?: boolean
  disabled?: boolean
  take(file: File): void
}

export function FileButton({ id, label, accept, text, main = false, disabled, take }: Props) {
  const input = useRef<HTMLInputElement>(null)
  return (
    <>
      <input
        ref={input}
        id={id}
        class="visually-hidden"
        type="file"
        tabIndex={-1}
        aria-label={label}
        accept={accept}
        onChange={({ currentTarget }) => {
          const file = currentTarget.files?.[0]
          if (file) take(file)
          currentTarget.value = ''
        }}
      />
      <button type="button" class={main ? 'main' : ''} disabled={disabled} onClick={() => input.current!.click()}>
        {text}
      </button>
    </>
  )
}
