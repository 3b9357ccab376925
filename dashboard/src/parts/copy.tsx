import { Check, Copy } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { IconButton } from './button.js'
import css from './copy.module.css'

const SHOWN_MS = 2000

/** Something to be taken elsewhere, in letters of one width, with a button that copies it. */
export function CopyField({
  label,
  text,
  isLarge = false,
}: {
  /** What it is: "Code". */
  readonly label: string
  readonly text: string
  /** To be read aloud or typed. */
  readonly isLarge?: boolean
}) {
  return (
    <div className={css['field']}>
      <span className={css['label']}>{label}</span>
      <div className={css['box']} data-large={isLarge}>
        <code className={css['text']}>
          {text.split(' ').map((word, i) => (
            // Ends of lines only between words: a dash of an option would be one too.
            <span key={i}>
              {i > 0 && ' '}
              <span className={css['word']}>{word}</span>
            </span>
          ))}
        </code>
        <CopyButton label={`Copy ${label.toLowerCase()}`} text={text} />
      </div>
    </div>
  )
}

export function CopyButton({ label, text }: { readonly label: string; readonly text: string }) {
  const [outcome, setOutcome] = useState<'copied' | 'refused' | null>(null)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  const copy = async (): Promise<void> => {
    const done = await write(text)
    setOutcome(done ? 'copied' : 'refused')
    clearTimeout(timer.current)
    timer.current = setTimeout(() => setOutcome(null), SHOWN_MS)
  }
  return (
    <>
      <IconButton
        label={label}
        icon={outcome === 'copied' ? Check : Copy}
        onPress={() => void copy()}
      />
      <span role="status" className="said">
        {outcome === 'copied' && 'Copied'}
        {outcome === 'refused' && 'The browser does not let this page copy: select the text'}
      </span>
    </>
  )
}

/** Browsers let pages copy only over HTTPS and on this machine; some ask first, and are told no. */
async function write(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false
  }
}
