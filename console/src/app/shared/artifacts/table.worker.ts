import { type TableAsk, TableService } from './table-service';

const service = new TableService((what) => postMessage(what));
addEventListener('message', ({ data }: MessageEvent<TableAsk>) => service.hear(data));
