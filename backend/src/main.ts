import 'reflect-metadata';
import { main } from './start.js';

await main();
