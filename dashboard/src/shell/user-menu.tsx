import { KeyRound, LogOut, Monitor, Moon, Sun } from 'lucide-react'
import { lazy, Suspense, useState } from 'react'
import { Button } from 'react-aria-components'
import { chooseTheme, useTheme } from '../look/theme.js'
import { Menu, MenuChoice, MenuItem } from '../parts/menu.js'
import { signOut, useSession } from '../server/session.js'
import css from './user-menu.module.css'

const THEMES = [
  { id: 'auto', label: 'As the device', icon: Monitor },
  { id: 'light', label: 'Light', icon: Sun },
  { id: 'dark', label: 'Dark', icon: Moon },
] as const
const PasswordWindow = lazy(async () => ({
  default: (await import('./password-window.js')).PasswordWindow,
}))

export function UserMenu() {
  const { name, role } = useSession()
  const theme = useTheme()
  const [isChanging, setIsChanging] = useState(false)
  const button = (
    <Button
      className={css['button'] ?? ''}
      aria-label={`${name === role ? name : `${name} ${role}`}: account and looks`}
    >
      <span className={css['initial']} data-letter={name.slice(0, 1).toUpperCase()} />
      <span className={css['who']}>
        <span className={css['name']}>{name}</span>{' '}
        {/* The first administrator's name is the role. */}
        {name !== role && <span className={css['role']}>{role}</span>}
      </span>
    </Button>
  )
  return (
    <>
      <Menu label="Account and looks" button={button} placement="top start">
        <MenuChoice label="Looks" items={THEMES} value={theme} onChange={chooseTheme} />
        <MenuItem label="Change password …" icon={KeyRound} onAction={() => setIsChanging(true)} />
        <MenuItem label="Sign out" icon={LogOut} onAction={() => void signOut()} />
      </Menu>
      {isChanging && (
        <Suspense>
          <PasswordWindow onClose={() => setIsChanging(false)} />
        </Suspense>
      )}
    </>
  )
}
