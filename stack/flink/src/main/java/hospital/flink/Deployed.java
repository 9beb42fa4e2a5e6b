package hospital.flink;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.client.program.rest.RestClusterClient;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.runtime.execution.ExecutionState;
import org.apache.flink.runtime.rest.messages.EmptyRequestBody;
import org.apache.flink.runtime.rest.messages.JobExceptionsHeaders;
import org.apache.flink.runtime.rest.messages.JobExceptionsInfoWithHistory;
import org.apache.flink.runtime.rest.messages.job.JobDetailsInfo;
import org.apache.flink.runtime.rest.messages.job.JobExceptionsMessageParameters;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.PlanReference;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.util.ExceptionUtils;

/**
 * A deployed statement: a folder with its compiled plan and its checkpoints (pipeline/engines/store.py).
 *
 * <p>The compiled plan fixes the ids of the operators, by which they find their state in a checkpoint.
 * If the statement were planned again, the ids would come from a counter of the process.
 */
final class Deployed {
    private static final Duration INTERVAL = Duration.ofSeconds(5);
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final long POLL_MS = 100;

    private final Path folder;
    private final String name;
    private JobID job;
    private Path checkpoint;

    Deployed(Path folder) {
        this.folder = folder.toAbsolutePath();
        this.name = folder.getFileName().toString();
    }

    /** Starts the job from its newest checkpoint, or without one if there is none or Flink refuses it. */
    void resume(Configuration cluster) throws IOException {
        Optional<Path> newest = newest(folder.resolve("checkpoints"));
        checkpoint = newest.orElse(null);
        try {
            job = start(cluster, checkpoint);
        } catch (RuntimeException e) {
            if (checkpoint == null) {
                say("cannot start: " + root(e));
            } else {
                startOver(cluster, root(e));
            }
        }
    }

    /**
     * Waits until all tasks of the job run, at most {@link #PATIENCE}. If its checkpoint cannot be
     * restored, starts the job without one. If it fails for another reason, leaves it to Flink's restarts.
     */
    void awaitRestored(RestClusterClient<?> client, Configuration cluster) throws Exception {
        Instant deadline = Instant.now().plus(PATIENCE);
        while (job != null && checkpoint != null && Instant.now().isBefore(deadline)) {
            JobDetailsInfo details = client.getJobDetails(job).get();
            Optional<String> failure = failure(client);
            if (failure.isPresent()) {
                if (failure.get().contains("Could not restore") || details.getJobStatus() == JobStatus.FAILED) {
                    client.cancel(job).exceptionally(e -> null).get();
                    startOver(cluster, rootOf(failure.get()));
                }
                return;
            }
            if (details.getJobStatus() == JobStatus.RUNNING && isRunning(details)) {
                return;
            }
            Thread.sleep(POLL_MS);
        }
    }

    private void startOver(Configuration cluster, String why) {
        say("its checkpoint " + checkpoint + " cannot be restored (" + why
                + "); the statement starts over from the earliest record");
        checkpoint = null;
        try {
            job = start(cluster, null);
        } catch (RuntimeException e) {
            say("cannot start: " + root(e));
        }
    }

    private JobID start(Configuration cluster, Path from) {
        Configuration conf = new Configuration(cluster);
        conf.set(PipelineOptions.NAME, "ksql " + name);
        conf.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, INTERVAL);
        conf.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, folder.resolve("checkpoints").toUri().toString());
        if (from != null) {
            conf.set(StateRecoveryOptions.SAVEPOINT_PATH, from.toUri().toString());
        }
        TableEnvironment tables =
                TableEnvironment.create(EnvironmentSettings.newInstance().withConfiguration(conf).build());
        return tables.loadPlan(PlanReference.fromFile(folder.resolve("plan.json")))
                .execute()
                .getJobClient()
                .map(JobClient::getJobID)
                .orElseThrow();
    }

    private void say(String message) {
        System.err.println(name + ": " + message);
    }

    /** The stack trace of the last failure of the job or of one of its tasks. */
    private Optional<String> failure(RestClusterClient<?> client) throws Exception {
        JobExceptionsMessageParameters parameters = new JobExceptionsMessageParameters();
        parameters.jobPathParameter.resolve(job);
        return client.sendRequest(JobExceptionsHeaders.getInstance(), parameters, EmptyRequestBody.getInstance())
                .get()
                .getExceptionHistory()
                .getEntries()
                .stream()
                .findFirst()
                .map(JobExceptionsInfoWithHistory.ExceptionInfo::getStacktrace);
    }

    private static boolean isRunning(JobDetailsInfo details) {
        return details.getJobVertexInfos().stream()
                .allMatch(vertex -> vertex.getExecutionState() == ExecutionState.RUNNING);
    }

    private static String root(Throwable failure) {
        return rootOf(ExceptionUtils.stringifyException(failure));
    }

    /** The first line of the last cause in a stack trace. */
    private static String rootOf(String trace) {
        String[] causes = trace.split("Caused by: ");
        return causes[causes.length - 1].lines().findFirst().orElse(trace);
    }

    /** The newest complete checkpoint. A checkpoint is complete if it has a _metadata file. */
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
