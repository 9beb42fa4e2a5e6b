# The image of the Job on Kubernetes, and of the cleansing there: that of images/hospital.Dockerfile, which is
# built first, with this project's programs. What is declared is not in it: ConfigMaps bring that.
ARG HOSPITAL=hospital-pipeline:local
FROM ${HOSPITAL}
WORKDIR /opt/hospital
COPY render.py ./
COPY pipeline pipeline/
COPY spark spark/
