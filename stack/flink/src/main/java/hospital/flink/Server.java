package hospital.flink;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.gateway.SqlGateway;

/**
 * A Flink cluster and its SQL gateway in one JVM.
 *
 * <p>Usage: {@code Server <configuration folder> <deployed statements>}. What was deployed before
 * goes on from its newest checkpoint: the cluster itself forgets its jobs when it stops.
 */
public final class Server {
    /** Stands alone on a line between two statements. */
    private static final String SEPARATOR = "\n;\n";

    /** Only the gateway understands SET. */
    private static final Pattern SETTING = Pattern.compile("SET '(.+)' = '(.+)'");

    private Server() {}

    public static void main(String[] args) throws Exception {
        Configuration conf = GlobalConfiguration.loadConfiguration(args[0]);
        MiniClusterConfiguration shape =
                new MiniClusterConfiguration.Builder()
                        .setConfiguration(conf)
                        .setNumSlotsPerTaskManager(conf.get(TaskManagerOptions.NUM_TASK_SLOTS))
                        .build();
        new MiniCluster(shape).start();
        Path deployed = Path.of(args[1]);
        if (Files.exists(deployed)) {
            try {
                resume(conf, Files.readString(deployed));
            } catch (RuntimeException | IOException e) {
                // The cluster's threads would keep a process alive that runs nothing.
                e.printStackTrace();
                System.exit(1);
            }
        }
        SqlGateway.main(new String[0]);
    }

    private static void resume(Configuration conf, String script) throws IOException {
        Path checkpoints = Path.of(conf.get(CheckpointingOptions.CHECKPOINTS_DIRECTORY).substring("file://".length()));
        newest(checkpoints).ifPresent(
                path -> conf.set(StateRecoveryOptions.SAVEPOINT_PATH, path.toUri().toString()));
        TableEnvironment tables =
                TableEnvironment.create(EnvironmentSettings.newInstance().withConfiguration(conf).build());
        for (String statement : script.split(SEPARATOR)) {
            Matcher setting = SETTING.matcher(statement);
            if (setting.matches()) {
                tables.getConfig().set(setting.group(1), setting.group(2));
            } else {
                tables.executeSql(statement);
            }
        }
    }

    /** A checkpoint is whole once its metadata is there. */
    private static Optional<Path> newest(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            return Optional.empty();
        }
        try (Stream<Path> found = Files.walk(folder, 3)) {
            return found.filter(file -> file.endsWith("_metadata"))
                    .max(Comparator.comparingLong(file -> file.toFile().lastModified()))
                    .map(Path::getParent);
        }
    }
}
