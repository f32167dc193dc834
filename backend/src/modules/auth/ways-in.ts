/**
 * Whether the user `u` of the surrounding query may come in by password, asked of the table as fresh as their rights are. A
 * table of settings that is empty, or older than this setting, lets everybody.
 */
export const mayUsePassword = `(
  coalesce((SELECT config #>> '{security,signIn,password}' FROM config_versions
             WHERE scope = 'system' ORDER BY version DESC LIMIT 1), 'everyone') <> 'owners'
  OR EXISTS (SELECT FROM role_bindings o WHERE o.user_id = u.id AND o.role = 'owner' AND o.project_id IS NULL))`;
