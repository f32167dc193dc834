import { offeredApart, projectsOffered } from '../../../testing/projects-apart';
import { SettingsApi } from './settings-api';

it('tells two projects of one name apart where one is to be chosen, in Settings', () => {
  expect(projectsOffered(SettingsApi)).toEqual(offeredApart);
});
