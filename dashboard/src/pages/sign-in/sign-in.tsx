import { useEffect, useState } from 'react'
import type { LinkCode } from '../../shell/code-in-link.js'
import { Logo } from '../../shell/logo.js'
import { CodeForm, FirstPasswordForm } from './code-form.js'
import { Entry } from './entry.js'
import { PasswordForm } from './password-form.js'
import css from './sign-in.module.css'

type Way =
  | { readonly by: 'password' }
  | { readonly by: 'code' }
  /** A code is there, and nothing more is asked. */
  | { readonly by: 'entry'; readonly code: string }
  /** A code is there, and what is left is how to come back. */
  | { readonly by: 'new-password'; readonly code: string }

/** `code`: that came with the link which opened the page. */
export function SignIn({ code: given }: { readonly code: LinkCode | null }) {
  const [way, setWay] = useState<Way>(
    given === null
      ? { by: 'password' }
      : { by: given.isEntry ? 'entry' : 'new-password', code: given.code },
  )
  useEffect(() => {
    document.title = 'Sign in · Tributary'
  }, [])
  return (
    <main className={css['page']}>
      <div className={css['card']}>
        <header className={css['header']}>
          <Logo size={36} />
          <h1 className={css['title']}>{TITLES[way.by]}</h1>
          <p className={css['host']}>{location.host}</p>
        </header>
        {way.by === 'password' && <PasswordForm onCode={() => setWay({ by: 'code' })} />}
        {way.by === 'code' && (
          <CodeForm
            onCode={(code) => setWay({ by: 'new-password', code })}
            onPassword={() => setWay({ by: 'password' })}
          />
        )}
        {way.by === 'entry' && <Entry code={way.code} onBack={() => setWay({ by: 'code' })} />}
        {way.by === 'new-password' && (
          <FirstPasswordForm code={way.code} onBack={() => setWay({ by: 'code' })} />
        )}
      </div>
    </main>
  )
}

const TITLES: Readonly<Record<Way['by'], string>> = {
  entry: 'Welcome to Tributary',
  password: 'Sign in to Tributary',
  code: 'Sign in with a code',
  'new-password': 'Welcome to Tributary',
}
