package hospital.ksqldb;

import java.util.Map;
import org.apache.kafka.streams.state.RocksDBConfigSetter;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.Cache;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.WriteBufferManager;

/**
 * One cache for the stores of all queries: by default each of them, and there are a hundred, has its
 * own of 50 MB and three buffers of 16 MB beside it.
 *
 * <p>Written as Kafka Streams' documentation has it. ksqlDB's own class for this is not in its image:
 * https://github.com/confluentinc/ksql/issues/6838.
 */
public final class BoundedMemory implements RocksDBConfigSetter {
  private static final long MEBIBYTE = 1024 * 1024;
  private static final long ALL = 384 * MEBIBYTE;
  private static final long BUFFERS = 128 * MEBIBYTE;
  // The part that only indexes and filters may have.
  private static final double INDEXES = 0.1;

  private static final Cache CACHE = new LRUCache(ALL, -1, false, INDEXES);
  // The buffers count as a part of the cache.
  private static final WriteBufferManager WRITES = new WriteBufferManager(BUFFERS, CACHE);

  @Override
  public void setConfig(String store, Options options, Map<String, Object> configs) {
    BlockBasedTableConfig table = (BlockBasedTableConfig) options.tableFormatConfig();
    table.setBlockCache(CACHE);
    table.setCacheIndexAndFilterBlocks(true);
    table.setCacheIndexAndFilterBlocksWithHighPriority(true);
    table.setPinTopLevelIndexAndFilter(true);
    options.setTableFormatConfig(table);
    options.setWriteBufferManager(WRITES);
  }

  @Override
  public void close(String store, Options options) {
    // What all stores share is closed with the process.
  }
}
