package hospital.flink;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.client.deployment.StandaloneClusterId;
import org.apache.flink.client.program.rest.RestClusterClient;
import org.apache.flink.configuration.Configuration;

/** A cluster has no jobs when it starts: each deployed statement is resumed from its newest checkpoint. */
final class Resumption {
    private Resumption() {}

    /** Resumes the statements in a folder, and returns when their jobs run or have failed. */
    static void of(Path folder, Configuration conf) throws Exception {
        List<Deployed> statements = statements(folder);
        for (Deployed statement : statements) {
            statement.resume(conf);
        }
        try (RestClusterClient<StandaloneClusterId> client =
                new RestClusterClient<>(conf, StandaloneClusterId.getInstance())) {
            for (Deployed statement : statements) {
                statement.awaitRestored(client, conf);
            }
        }
    }

    private static List<Deployed> statements(Path folder) throws IOException {
        List<Deployed> found = new ArrayList<>();
        if (Files.isDirectory(folder)) {
            try (var folders = Files.newDirectoryStream(folder, Files::isDirectory)) {
                for (Path path : folders) {
                    // A folder that is still being written ends in .new: pipeline/engines/store.py.
                    if (!path.getFileName().toString().endsWith(".new") && Files.exists(path.resolve("plan.json"))) {
                        found.add(new Deployed(path));
                    }
                }
            }
        }
        return found;
    }
}
