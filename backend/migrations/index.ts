import { CreateTheRecord1763800000000 } from './1763800000000-create-the-record.js';
import { StampEventsInAFunction1764150000000 } from './1764150000000-stamp-events-in-a-function.js';
import { KeepWhatServersOffer1764154800000 } from './1764154800000-keep-what-servers-offer.js';
import { KeepMeasurements1764158400000 } from './1764158400000-keep-measurements.js';
import { ArchiveProjectsAndSaveViews1764160000000 } from './1764160000000-archive-projects-and-save-views.js';
import { PinToolsAndLimitCalls1764161000000 } from './1764161000000-pin-tools-and-limit-calls.js';
import { Remember1764164000000 } from './1764164000000-remember.js';
import { NumberConversations1764165000000 } from './1764165000000-number-conversations.js';
import { FillRateBuckets1764168000000 } from './1764168000000-fill-rate-buckets.js';
import { SayByCode1764170000000 } from './1764170000000-say-by-code.js';
import { NumberWithTheCommit1764171000000 } from './1764171000000-number-with-the-commit.js';
import { NameSecretsFirst1764172000000 } from './1764172000000-name-secrets-first.js';
import { SayFaultsByCode1764173000000 } from './1764173000000-say-faults-by-code.js';
import { TellOfToolsLeftOut1764174000000 } from './1764174000000-tell-of-tools-left-out.js';
import { SealTheAuditRecord1764175000000 } from './1764175000000-seal-the-audit-record.js';
import { KeepDefinitionsAsTold1764176000000 } from './1764176000000-keep-definitions-as-told.js';
import { KeepVersionsOfBlueprints1764177000000 } from './1764177000000-keep-versions-of-blueprints.js';
import { KeepLaunchesInUse1764178000000 } from './1764178000000-keep-launches-in-use.js';
import { CountVotes1764179000000 } from './1764179000000-count-votes.js';
import { LetAgentsBeScaled1764181000000 } from './1764181000000-let-agents-be-scaled.js';
import { ProposeChanges1764182000000 } from './1764182000000-propose-changes.js';
import { KeepSecondFactors1764184000000 } from './1764184000000-keep-second-factors.js';
import { SignInWithProviders1764186000000 } from './1764186000000-sign-in-with-providers.js';
import { ProposeSecrets1764188000000 } from './1764188000000-propose-secrets.js';
import { CopyHistory1764190000000 } from './1764190000000-copy-history.js';
import { SearchMemoryByMeaning1764192000000 } from './1764192000000-search-memory-by-meaning.js';
import { ProposeToolServers1764194000000 } from './1764194000000-propose-tool-servers.js';

/** In order. A migration that has shipped is never edited: write the next one. */
export const migrations = [
  CreateTheRecord1763800000000,
  StampEventsInAFunction1764150000000,
  KeepWhatServersOffer1764154800000,
  KeepMeasurements1764158400000,
  ArchiveProjectsAndSaveViews1764160000000,
  PinToolsAndLimitCalls1764161000000,
  Remember1764164000000,
  NumberConversations1764165000000,
  FillRateBuckets1764168000000,
  SayByCode1764170000000,
  NumberWithTheCommit1764171000000,
  NameSecretsFirst1764172000000,
  SayFaultsByCode1764173000000,
  TellOfToolsLeftOut1764174000000,
  SealTheAuditRecord1764175000000,
  KeepDefinitionsAsTold1764176000000,
  KeepVersionsOfBlueprints1764177000000,
  KeepLaunchesInUse1764178000000,
  CountVotes1764179000000,
  LetAgentsBeScaled1764181000000,
  ProposeChanges1764182000000,
  KeepSecondFactors1764184000000,
  SignInWithProviders1764186000000,
  ProposeSecrets1764188000000,
  CopyHistory1764190000000,
  SearchMemoryByMeaning1764192000000,
  ProposeToolServers1764194000000,
];
