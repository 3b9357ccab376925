import { useEffect, useRef } from 'react'
import { Button } from '../../parts/button.js'
import { Busy } from '../../parts/empty.js'
import { Problem } from '../../parts/problem.js'
import css from './sign-in.module.css'
import { useSignIn } from './use-sign-in.js'

/** Signs in with the code of a link, at once. */
export function Entry({ code, onBack }: { readonly code: string; readonly onBack: () => void }) {
  const { enter, problem } = useSignIn()
  // A code is good once: asking twice would refuse whom it let in.
  const isBegun = useRef(false)
  useEffect(() => {
    if (isBegun.current) return
    isBegun.current = true
    enter({ code })
  }, [code, enter])
  if (problem === null) return <Busy label="Signing in …" />
  return (
    <div className={css['form']}>
      <Problem error={problem} />
      <Button look="quiet" isWide onPress={onBack}>
        Enter another code
      </Button>
    </div>
  )
}
